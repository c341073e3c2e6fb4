"""What a backend must offer to serve a model, and which one is in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol, cast

from numpy.typing import NDArray

from shared.errors import AvemotionError, ErrorCode
from worker.model.hardware import Gpu
from worker.model.notices import without_notices

Function = Callable[[Mapping[str, Any]], Mapping[str, Any]]
BACKENDS = ("tensorflow", "jax", "torch")


class Compiled(Protocol):
    """A function from arrays by name to arrays by name, the latter float32."""

    @property
    def traces(self) -> int:
        """How often Python ran through the function: once for each number of rows."""

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run it."""


class Backend(Protocol):
    """A module of this package."""

    NAME: str

    @property
    def Forward(self) -> Callable[..., Compiled]:  # noqa: N802 - a class of the module
        """From a ``Function``, the variables it reads and ``xla`` to its compiled form."""

    def limit_threads(self, threads: int) -> None:
        """Compute with so many threads from now on.

        Raises:
            RuntimeError: The backend has started with another number.
        """

    def find_gpu(self) -> Gpu | None:
        """Return the card that the backend computes on; None where that is the processor."""


def load_backend() -> Backend:
    """Return the module of the backend that Keras runs on.

    Raises:
        AvemotionError: ``MODEL_UNAVAILABLE`` where Keras runs on none of ``BACKENDS``, or it is missing.
    """
    try:
        with without_notices():
            import keras  # noqa: PLC0415 - takes seconds, and fails where its backend is missing

            name = keras.backend.backend()
            if name in BACKENDS:
                return cast("Backend", import_module(f"worker.model.compiled.{name}_backend"))
    # Keras says ValueError of a name that it does not know.
    except (ImportError, ValueError) as error:
        reason = str(error).rstrip(".")
        raise AvemotionError(
            ErrorCode.MODEL_UNAVAILABLE, f"The backend that KERAS_BACKEND names cannot be loaded: {reason}."
        ) from error
    raise AvemotionError(
        ErrorCode.MODEL_UNAVAILABLE,
        f"KERAS_BACKEND names {name}, on which no model runs here; take one of {', '.join(BACKENDS)}.",
    )

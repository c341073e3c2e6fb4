"""What is measured, each in a process of its own, and what it can be asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.model.products import Clip
from worker.model.precision import Switch
from worker.model.presets import Preset

Kind = Literal["ours", "transformers", "tensorflow-products", "torch-products"]
Precision = Literal["float32", "bfloat16"]
# Some ten milliseconds of two cores.
CALL_FLOPS = 1e10


@dataclass(frozen=True)
class Setup:
    """What all contenders of one comparison have in common.

    Attributes:
        preset: Size of the encoder.
        clip: Size of its input.
        threads: For each library.
        device: ``cpu``, or ``cuda`` for the first card.
        call_flops: Least work of one measurement of a product: small ones are repeated.
        xla: Whether our forward is compiled, see ``worker.model.precision.choose_xla``.
    """

    preset: Preset
    clip: Clip
    threads: int
    device: str = "cpu"
    call_flops: float = CALL_FLOPS
    xla: Switch = "auto"

    def as_json(self) -> dict[str, Any]:
        """Return what ``from_json`` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Setup:
        """Return the setup that another process has written."""
        sizes = {"preset": Preset(**document["preset"]), "clip": Clip(**document["clip"])}
        return cls(**{**document, **sizes})


class Contender(Protocol):
    """Something to be timed."""

    def prepare(self, batch: int) -> None:
        """Do what has to be done once for batches of a size, and run one."""

    def sample(self, batch: int) -> dict[str, float]:
        """Run a batch; return seconds by name: ``forward`` of a model, or one of each product."""

    def outputs(self, batch: int) -> dict[str, NDArray[np.float32]]:
        """Return ``tokens`` and ``logits`` of a model; nothing of products."""


def create(kind: Kind, precision: Precision, setup: Setup) -> Contender:
    """Load a contender, and only the library that it needs."""
    match kind:
        case "ours":
            from bench.model.ours import Ours  # noqa: PLC0415 - brings TensorFlow

            return Ours(setup, precision)
        case "transformers":
            from bench.model.reference import Reference  # noqa: PLC0415 - brings torch

            return Reference(setup, precision)
        case "tensorflow-products":
            from bench.model.tensorflow_products import TensorFlowProducts  # noqa: PLC0415 - brings TensorFlow

            return TensorFlowProducts(setup, precision)
        case "torch-products":
            from bench.model.torch_products import TorchProducts  # noqa: PLC0415 - brings torch

            return TorchProducts(setup, precision)
    raise ValueError(f"{kind} is no contender.")

"""A model in service: windows in, predictions out.

Importing this module is cheap; TensorFlow is imported when an engine is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelCard
from shared.errors import AvemotionError, ErrorCode
from worker.model.batches import plan_batches
from worker.model.precision import ChosenPrecision, Precision, choose_precision, cpu_flags, dtype_policy
from worker.model.presets import PRESETS

if TYPE_CHECKING:
    import keras

# On a CPU the time of a batch grows with its size: beyond an eighth, padding costs more than it saves.
PADDING_SHARE = 1 / 8


@dataclass(frozen=True)
class Predictions:
    """What the model says of N windows.

    Attributes:
        probabilities: Over the card's labels, in their order, (N, labels); a row sums to 1.
        valence: From unpleasant, -1, to pleasant, 1, (N,).
        arousal: From calm, -1, to excited, 1, (N,).
    """

    probabilities: NDArray[np.float32]
    valence: NDArray[np.float32]
    arousal: NDArray[np.float32]


class Engine:
    """One model of one process.

    Attributes:
        card: Whose model this is.
        precision: What the encoder computes in: ``float32`` or ``bfloat16``.
        weights_sha256: Hash of the weights in use; workers that agree on it agree on results.
    """

    def __init__(
        self, card: ModelCard, network: keras.Model, *, precision: ChosenPrecision, largest_batch: int = 8
    ) -> None:
        """Serve a network that has its weights; ``Engine.load`` is the usual way."""
        from worker.model.forward import Forward  # noqa: PLC0415 - brings TensorFlow
        from worker.model.weights import weights_sha256  # noqa: PLC0415 - brings TensorFlow

        self.card = card
        self.precision = precision
        self.weights_sha256 = weights_sha256(network)
        self._largest_batch = largest_batch
        self._shapes = {given.name: tuple(given.shape[1:]) for given in network.inputs}
        self._forward = Forward(network)

    @classmethod
    def load(
        cls,
        card: ModelCard,
        *,
        precision: Precision = "auto",
        threads: int | None = None,
        largest_batch: int = 8,
    ) -> Engine:
        """Return the model of a card, ready to predict.

        Args:
            card: From ``shared.catalog.load_catalog``.
            precision: ``auto`` computes in bfloat16 where the processor has it.
            threads: Most threads of one computation, for the whole process; all cores when None. It must
                be the same for each engine of a process.
            largest_batch: Most windows that go through the model at a time: memory grows with it.

        Raises:
            AvemotionError: ``MODEL_UNAVAILABLE`` where the weights are damaged or not those of the card,
                or the fusion is not known here.
        """
        from worker.model.forward import limit_threads  # noqa: PLC0415 - brings TensorFlow
        from worker.model.network import build_network  # noqa: PLC0415 - brings TensorFlow
        from worker.model.weights import initialise, load_weights  # noqa: PLC0415 - brings TensorFlow

        if threads is not None:
            limit_threads(threads)
        chosen = choose_precision(precision, cpu_flags())
        network = build_network(card, PRESETS[card.preset], dtype=dtype_policy(chosen))
        if card.weights_path is None:
            initialise(network)
        else:
            load_weights(network, card.weights_path)
        engine = cls(card, network, precision=chosen, largest_batch=largest_batch)
        if card.weights_sha256 not in (None, engine.weights_sha256):
            raise AvemotionError(
                ErrorCode.MODEL_UNAVAILABLE, f"The weights of {card.id} are not those that its card names."
            )
        return engine

    def warm_up(self) -> None:
        """Make the graph and run it once, so that the first job does not wait for it (seconds)."""
        self.predict({name: np.zeros((1, *shape), np.uint8) for name, shape in self._shapes.items()})

    def predict(self, inputs: Mapping[str, NDArray[np.uint8]]) -> Predictions:
        """Score N windows.

        Args:
            inputs: The model's inputs by name, as ``worker.fusion`` makes them; with early fusion
                ``frames``, (N, frames, size, size, 3), RGB, 0 to 255.

        Raises:
            AvemotionError: ``INTERNAL_ERROR`` where the inputs are not what the model takes, or its
                outputs are not finite.
        """
        count = self._check(inputs)
        results = Predictions(
            np.empty((count, len(self.card.labels)), np.float32),
            np.empty(count, np.float32),
            np.empty(count, np.float32),
        )
        for batch in plan_batches(count, self._largest_batch, PADDING_SHARE):
            rows = slice(batch.start, batch.stop)
            outputs = self._forward(
                {name: _padded(array[rows], batch.size) for name, array in inputs.items()}
            )
            if not all(np.isfinite(output).all() for output in outputs.values()):
                raise AvemotionError(ErrorCode.INTERNAL_ERROR, f"The model {self.card.id} gave no numbers.")
            for name, output in outputs.items():
                getattr(results, name)[rows] = output[: batch.stop - batch.start]
        return results

    def _check(self, inputs: Mapping[str, NDArray[np.uint8]]) -> int:
        """Return the number of windows."""
        counts = {len(array) for array in inputs.values()}
        given = {name: _describe(array.dtype, array.shape[1:]) for name, array in inputs.items()}
        taken = {name: _describe(np.dtype(np.uint8), shape) for name, shape in self._shapes.items()}
        if given != taken or len(counts) != 1:
            raise AvemotionError(
                ErrorCode.INTERNAL_ERROR,
                f"The model {self.card.id} takes {_list(taken)} and was given {_list(given)}, "
                f"of {' and '.join(map(str, sorted(counts))) or 'no'} windows.",
            )
        return counts.pop()


def _padded(array: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return the array with as many rows as ``size``: zeros after its own."""
    if len(array) == size:
        return array
    return np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]), array.dtype)])


def _describe(dtype: np.dtype[Any], shape: tuple[int, ...]) -> str:
    return f"{dtype} (N, {', '.join(map(str, shape))})"


def _list(arrays: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {what}" for name, what in sorted(arrays.items())) or "nothing"

"""A model in service: windows in, predictions out.

Importing this module is cheap; Keras and its backend are imported when an engine is loaded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelCard
from shared.errors import AvemotionError, ErrorCode
from worker.model.batches import Batching, choose_batching, plan_batches
from worker.model.compiled import Function, compile_forward, load_backend
from worker.model.hardware import available_cores, cpu_flags
from worker.model.inputs import Inputs, count_windows
from worker.model.precision import (
    ChosenPrecision,
    Precision,
    Switch,
    choose_precision,
    choose_xla,
)
from worker.model.presets import PRESETS

if TYPE_CHECKING:
    from worker.model.networks import Network

IN_EIGHTS = Batching()
# Of a clip: frames, height, width, channels.
CLIP_AXES = 4


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
        precision: What the encoder computes in: ``float32``, ``bfloat16`` or ``float16``.
        weights_sha256: Hash of the weights in use; workers that agree on it agree on results.
    """

    def __init__(  # noqa: PLR0913 - what `load` has chosen
        self,
        card: ModelCard,
        network: Network,
        *,
        precision: ChosenPrecision,
        batching: Batching = IN_EIGHTS,
        xla: bool = False,
        sha256: str | None = None,
    ) -> None:
        """Serve a network that has its weights; ``Engine.load`` is the usual way.

        Args:
            card: Whose model this is.
            network: From ``build_network``.
            precision: What the network was built for.
            batching: How many windows go through the network at a time.
            xla: See ``compile_forward``.
            sha256: Hash of the weights in float32; that of the network when None.
        """
        from worker.model.weights import weights_sha256  # noqa: PLC0415 - brings Keras

        self.card = card
        self.precision = precision
        self.weights_sha256 = sha256 or weights_sha256(network)
        self._batching = batching
        self._signature = network.signature
        # Two programs: where nothing is missing, nothing needs hiding, and that is faster.
        self._forwards = {
            masked: compile_forward(_answer(network, masked=masked), model=network, xla=xla)
            for masked in (False, True)
        }

    @classmethod
    def load(
        cls,
        card: ModelCard,
        *,
        precision: Precision = "auto",
        threads: int | None = None,
        largest_batch: int = 8,
        xla: Switch = "auto",
    ) -> Engine:
        """Return the model of a card, ready to predict.

        Args:
            card: From ``shared.catalog.load_catalog``.
            precision: ``auto`` computes in bfloat16 where the hardware has it.
            threads: Most threads of one computation, for the whole process; all cores when None. It must
                be the same for each engine of a process.
            largest_batch: Most windows that go through the model at a time: memory grows with it. On a
                processor it is fewer, where more would not be faster.
            xla: Whether what was traced is compiled; ``auto`` does so where it pays.

        Raises:
            AvemotionError: ``INVALID_WEIGHTS`` where the weights are damaged or another model's;
                ``MODEL_UNAVAILABLE`` where they are not those of the card, or this machine cannot
                compute as asked.
        """
        backend = load_backend()
        from worker.model.networks import build_network  # noqa: PLC0415 - brings Keras
        from worker.model.weights import (  # noqa: PLC0415 - brings Keras
            copy_weights,
            initialise,
            load_weights,
            weights_sha256,
        )

        if threads is not None:
            backend.limit_threads(threads)
        else:
            # Where the backend runs already, with threads of its own choice, that is well too.
            with suppress(RuntimeError):
                backend.limit_threads(available_cores())
        gpu = backend.find_gpu()
        chosen = choose_precision(precision, cpu_flags(), gpu)
        exact = build_network(card, PRESETS[card.preset])
        if card.weights_path is None:
            initialise(exact)
        else:
            load_weights(exact, card.weights_path)
        sha256 = weights_sha256(exact)
        if card.weights_sha256 not in (None, sha256):
            raise AvemotionError(
                ErrorCode.MODEL_UNAVAILABLE, f"The weights of {card.id} are not those that its card names."
            )
        network = exact
        if chosen != "float32":
            # Rounded once, and not at each call as with Keras's mixed policies: the same numbers, a
            # tenth less time, half the memory.
            network = build_network(card, PRESETS[card.preset], dtype=chosen)
            copy_weights(exact, network)
        return cls(
            card,
            network,
            precision=chosen,
            batching=choose_batching(largest_batch, _tokens(network), gpu),
            xla=choose_xla(xla, gpu, backend.NAME),
            sha256=sha256,
        )

    def warm_up(self) -> None:
        """Trace and compile all that ``predict`` will run, so that no job waits for it.

        Seconds; minutes where each size of a batch is compiled by itself.
        """
        for forward in self._forwards.values():
            for size in self._batching.sizes:
                given = self._signature.items()
                forward({name: np.zeros((size, *shape), dtype) for name, (shape, dtype) in given})

    def predict(self, inputs: Inputs) -> Predictions:
        """Score N windows.

        Args:
            inputs: The model's inputs by name, as ``worker.fusion`` makes them: see
                ``Network.signature``, which all but the batch comes from.

        Raises:
            AvemotionError: ``INTERNAL_ERROR`` where the inputs are not what the model takes, or its
                outputs are not finite.
        """
        count = count_windows(inputs, self._signature, self.card.id)
        results = Predictions(
            np.empty((count, len(self.card.labels)), np.float32),
            np.empty(count, np.float32),
            np.empty(count, np.float32),
        )
        for masked, rows, size in self._batches(inputs["present"]):
            outputs = self._forwards[masked](
                {name: _padded(array[rows], size) for name, array in inputs.items()}
            )
            for name, padded in outputs.items():
                output = padded[: len(rows)]
                if not np.isfinite(output).all():
                    raise AvemotionError(
                        ErrorCode.INTERNAL_ERROR, f"The model {self.card.id} gave no numbers."
                    )
                getattr(results, name)[rows] = output
        return results

    def _batches(self, present: NDArray[np.uint8]) -> Iterator[tuple[bool, NDArray[np.intp], int]]:
        """Yield for each batch whether something is missing, which windows it has, and its size."""
        complete = present.all(axis=1)
        for masked in (False, True):
            rows = np.flatnonzero(complete != masked)
            for batch in plan_batches(len(rows), self._batching):
                yield masked, rows[batch.start : batch.stop], batch.size


def _tokens(network: Network) -> int:
    """Return how many tokens of a window an encoder has before it at a time: two run one after the other."""
    from worker.model.patches import token_grid  # noqa: PLC0415 - brings Keras

    clips = [shape for shape, _ in network.signature.values() if len(shape) == CLIP_AXES]
    return max(math.prod(token_grid(*shape[:3])) for shape in clips)


def _answer(network: Network, *, masked: bool) -> Function:
    """Return the network's outputs as a function of its inputs, with ``probabilities`` for ``logits``."""

    def answer(inputs: Mapping[str, Any]) -> dict[str, Any]:
        from keras import ops  # noqa: PLC0415 - loaded by now, and not before

        outputs = dict(network(inputs, training=False, masked=masked))
        return {"probabilities": ops.softmax(outputs.pop("logits") / network.config.temperature), **outputs}

    return answer


def _padded(array: NDArray[Any], size: int) -> NDArray[Any]:
    """Return the array with as many rows as ``size``: zeros after its own."""
    if len(array) == size:
        return array
    return np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]), array.dtype)])

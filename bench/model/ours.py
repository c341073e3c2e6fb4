"""Our forward, as serving compiles it, on the backend of Keras that is in use."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from bench.model.contender import Precision, Setup
from bench.model.weights import LABELS, clips, fill
from worker.model.classifier import VideoMAE
from worker.model.compiled import compile_forward, load_backend
from worker.model.precision import choose_xla, dtype_policy


class Ours:
    """A ``Contender``."""

    def __init__(self, setup: Setup, precision: Precision) -> None:
        """Build the model and fill it."""
        backend = load_backend()
        backend.limit_threads(setup.threads)
        gpu = backend.find_gpu()
        if setup.device == "cuda" and gpu is None:
            raise RuntimeError(f"Keras finds no card on {backend.NAME}.")
        self._setup = setup
        self._inputs: dict[int, dict[str, Any]] = {}
        self._model = VideoMAE(setup.preset, labels=LABELS, dtype=dtype_policy(precision))
        self._model.build((None, *setup.clip.shape))
        fill(self._model)
        # As in serving, only what is asked for leaves the forward.
        self._forward = compile_forward(
            lambda inputs: {"logits": self._run(inputs)["logits"]},
            model=self._model,
            xla=choose_xla(setup.xla, gpu, backend.NAME),
        )

    def prepare(self, batch: int) -> None:
        """See ``Contender``."""
        frames = clips(self._setup.clip, batch)
        # On a card the clips are there already, as they are for transformers.
        on_card = self._setup.device != "cpu"
        self._inputs[batch] = {"frames": keras.ops.convert_to_tensor(frames) if on_card else frames}
        self.sample(batch)

    def sample(self, batch: int) -> dict[str, float]:
        """See ``Contender``; from array, on a card from tensor, to array."""
        inputs = self._inputs[batch]
        start = time.perf_counter()
        self._forward(inputs)
        return {"forward": time.perf_counter() - start}

    def outputs(self, batch: int) -> dict[str, NDArray[np.float32]]:
        """See ``Contender``; the logits are those of the forward that is timed."""
        inputs = {"frames": clips(self._setup.clip, batch)}
        tokens = keras.ops.cast(self._run(inputs)["tokens"], "float32")
        return {"tokens": keras.ops.convert_to_numpy(tokens), **self._forward(inputs)}

    def _run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        outputs: dict[str, Any] = self._model(inputs["frames"], training=False)
        return outputs

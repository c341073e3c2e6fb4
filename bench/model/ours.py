"""Our forward, as serving compiles it, on the backend of Keras that is in use."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from bench.model.contender import Precision, Setup
from bench.model.weights import LABELS, clips, fill
from worker.model.batches import rows_on_cpu
from worker.model.classifier import VideoMAE
from worker.model.compiled import compile_forward, load_backend
from worker.model.precision import choose_xla


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
        self._rows = rows_on_cpu(setup.clip.tokens) if gpu is None else sys.maxsize
        self._model = VideoMAE(setup.preset, labels=LABELS, dtype=precision)
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
        self._logits(inputs, batch)
        return {"forward": time.perf_counter() - start}

    def outputs(self, batch: int) -> dict[str, NDArray[np.float32]]:
        """See ``Contender``; the logits are those of the forward that is timed."""
        inputs = {"frames": clips(self._setup.clip, batch)}
        tokens = keras.ops.cast(self._run(inputs)["tokens"], "float32")
        return {"tokens": keras.ops.convert_to_numpy(tokens), "logits": self._logits(inputs, batch)}

    def _logits(self, inputs: Mapping[str, Any], batch: int) -> NDArray[np.float32]:
        """Return the logits of a batch, run in batches as serving does."""
        frames, size = inputs["frames"], min(batch, self._rows)
        parts = [self._forward({"frames": frames[at : at + size]}) for at in range(0, batch, size)]
        return np.concatenate([part["logits"] for part in parts])

    def _run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        outputs: dict[str, Any] = self._model(inputs["frames"], training=False)
        return outputs

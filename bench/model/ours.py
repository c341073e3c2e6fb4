"""Our forward, as serving compiles it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bench.model.contender import Precision, Setup
from bench.model.threads import limit_tensorflow
from bench.model.weights import LABELS, clips, fill
from worker.model.classifier import VideoMAE
from worker.model.precision import dtype_policy


class Ours:
    """A ``Contender``."""

    def __init__(self, setup: Setup, precision: Precision) -> None:
        """Build the model and fill it."""
        limit_tensorflow(setup.threads)
        self._clip = setup.clip
        self._clips: dict[int, NDArray[np.float32]] = {}
        self._model = VideoMAE(setup.preset, labels=LABELS, dtype=dtype_policy(precision))
        self._model.build((None, *setup.clip.shape))
        fill(self._model)
        self._forward = tf.function(
            lambda frames: self._model(frames, training=False)["logits"],
            input_signature=[tf.TensorSpec((None, *setup.clip.shape), tf.float32)],
            autograph=False,
        )

    def prepare(self, batch: int) -> None:
        """See ``Contender``."""
        self._clips[batch] = clips(self._clip, batch)
        self.sample(batch)

    def sample(self, batch: int) -> dict[str, float]:
        """See ``Contender``; from array to array."""
        frames = self._clips[batch]
        start = time.perf_counter()
        self._forward(tf.constant(frames)).numpy()
        return {"forward": time.perf_counter() - start}

    def outputs(self, batch: int) -> dict[str, NDArray[np.float32]]:
        """See ``Contender``."""
        frames = tf.constant(clips(self._clip, batch))
        tokens: Any = self._model(frames, training=False)["tokens"]
        return {"tokens": tf.cast(tokens, tf.float32).numpy(), "logits": self._forward(frames).numpy()}

"""A network with its loss, as Keras trains it on any backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from training.fitting.losses import training_loss
from worker.model.networks import Network
from worker.model.networks.network import Part
from worker.model.weights import weights_by_name


class Trainee(keras.Model):  # type: ignore[misc]  # Keras ships no types
    """What ``fit`` is called on.

    Attributes:
        network: The network that learns.
    """

    def __init__(self, network: Network, part: Part | None, affect_weight: float) -> None:
        """Take the network, what of its inputs it is given, and the weight of valence and arousal."""
        super().__init__(name="trainee", dtype="float32")
        self.network = network
        self.part = part
        self.affect_weight = affect_weight
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.accuracy = keras.metrics.Mean(name="accuracy")
        self.built = True

    def call(
        self, inputs: Mapping[str, keras.KerasTensor], training: bool | None = None
    ) -> dict[str, keras.KerasTensor]:
        """Return the network's outputs."""
        outputs: dict[str, keras.KerasTensor] = self.network(inputs, training=training, part=self.part)
        return outputs

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> keras.KerasTensor:
        """Return the loss of a batch; see ``training_loss``."""
        del x, sample_weight, training
        loss = training_loss(y, y_pred, self.affect_weight)
        self.loss_tracker.update_state(loss)
        hit = ops.equal(ops.argmax(y["emotion"], axis=1), ops.argmax(y_pred["logits"], axis=1))
        self.accuracy.update_state(hit, sample_weight=ops.cast(y["emotion_weight"] > 0, "float32"))
        return loss

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """What is reset with each epoch."""
        return [self.loss_tracker, self.accuracy]

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Return what the log shows; ``compute_loss`` has counted it."""
        del x, y, y_pred, sample_weight
        return {metric.name: metric.result() for metric in self.metrics}


def freeze(network: Network, starts: tuple[str, ...]) -> int:
    """Keep weights as they are whose names begin with one of ``starts``; return how many others learn.

    Args:
        network: Its weights are marked; all others are set free.
        starts: Whole parts of names, such as ``backbone`` or ``backbone/block_0``; of both branches in late
            fusion, unless they begin with ``audio_`` or ``video_``.
    """
    learning = 0
    for name, weight in weights_by_name(network).items():
        # Late fusion has a part of each kind for each branch.
        part = name.removeprefix("audio_").removeprefix("video_")
        weight.trainable = not any(
            name.startswith(f"{start}/") or part.startswith(f"{start}/") for start in starts
        )
        learning += weight.trainable
    return learning

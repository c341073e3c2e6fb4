"""AdamW with a rate for each layer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import keras
from keras import ops

from training.fitting.recipe import Phase

_BLOCK = re.compile(r"backbone/block_(\d+)/")
# Norms, biases, and what is one number a channel or a modality.
_NO_DECAY = ("^bias$", "^gamma$", "^beta$", "^scale$", "^scores$", "^embedding$")


class LayerwiseAdamW(keras.optimizers.AdamW):  # type: ignore[misc]  # Keras ships no types
    """AdamW (Loshchilov and Hutter 2019) whose rate is a share of the schedule's, by the weight's name.

    Early layers of an encoder that has learned before keep more of it (layer decay; Bao et al. 2022).
    """

    def __init__(self, *args: Any, layer_decay: float = 1.0, depth: int = 0, **kwargs: Any) -> None:
        """Take what AdamW takes, the decay a layer, and how many blocks the encoder has."""
        super().__init__(*args, **kwargs)
        self.layer_decay = layer_decay
        self.depth = depth

    def build(self, variables: Sequence[Any]) -> None:
        """Create the state of weights, and remember the share of each."""
        super().build(variables)
        self._shares = [self.rate_of(variable.path) for variable in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one weight, which the backend may give without its name."""
        share = self._shares[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * share)

    def _apply_weight_decay(self, variables: Iterable[Any]) -> None:
        if self.weight_decay is None:
            return
        for variable in variables:
            if self._use_weight_decay(variable):
                rate = ops.cast(self.learning_rate, variable.dtype) * self.rate_of(variable.path)
                variable.assign(variable - variable * rate * ops.cast(self.weight_decay, variable.dtype))

    def rate_of(self, path: str) -> float:
        """Return the share of the rate that a weight of this name has."""
        if "backbone/" not in path or "backbone/fc_norm" in path:
            return 1.0
        match = _BLOCK.search(path)
        layer = int(match[1]) + 1 if match else 0
        return float(self.layer_decay ** (self.depth + 1 - layer))


def make_optimizer(phase: Phase, steps_per_epoch: int, depth: int) -> LayerwiseAdamW:
    """Return a phase's optimizer: warm-up, then a cosine; norms and biases are not decayed.

    Args:
        phase: Of the recipe.
        steps_per_epoch: Batches of an epoch.
        depth: Blocks of the encoder.
    """
    warmup = round(phase.warmup_epochs * steps_per_epoch)
    rate = keras.optimizers.schedules.CosineDecay(
        phase.learning_rate * (phase.final_learning_rate if warmup else 1),
        max(1, phase.epochs * steps_per_epoch - warmup),
        alpha=phase.final_learning_rate,
        warmup_target=phase.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    optimizer = LayerwiseAdamW(
        rate,
        weight_decay=phase.weight_decay,
        clipnorm=phase.clip_norm,
        use_ema=phase.ema > 0,
        ema_momentum=phase.ema or None,
        layer_decay=phase.layer_decay,
        depth=depth,
    )
    optimizer.exclude_from_weight_decay(var_names=list(_NO_DECAY))
    return optimizer

"""From action units, pose and gaze to tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from shared.catalog.series import UNIT_OF
from worker.model.position import sincos_table
from worker.model.token_dense import TokenDense


class FaceSeriesTokens(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """One token an instant, from each column's value and from whether it is known."""

    def __init__(self, columns: Sequence[str], width: int, **kwargs: Any) -> None:
        """Take names out of ``shared.catalog.series.UNIT_OF``, and the numbers a token."""
        super().__init__(**kwargs)
        self.width = width
        self.units = [UNIT_OF[column] for column in columns]
        self.projection = TokenDense(width, name="projection", dtype=self.dtype_policy)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights, which the number of instants does not matter to."""
        self.projection.build((input_shape[0], None, 2 * len(self.units)))

    def call(self, series: keras.KerasTensor, known: keras.KerasTensor) -> keras.KerasTensor:
        """Return tokens (batch, steps, width).

        Args:
            series: (batch, steps, columns), in the units of the face table.
            known: Which values count, bool, of the same shape; what stands in the others is not looked
                at, and a zero stands for it.
        """
        scaled = ops.cast(series, "float32") / ops.convert_to_tensor(self.units, "float32")
        values = ops.where(known, scaled, 0.0)
        tokens = self.projection(ops.concatenate([values, ops.cast(known, "float32")], axis=2))
        return tokens + ops.cast(sincos_table(series.shape[1], self.width)[None], tokens.dtype)

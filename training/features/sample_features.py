"""What serving's stages make of one sample, before its face and voice are fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from worker.audio.features import SoundFeatures
from worker.faces.table import FaceTable
from worker.fusion import Seen
from worker.fusion.series import window_series
from worker.windows import Window


@dataclass(frozen=True, eq=False)
class SampleFeatures:
    """One segment of a sample as the stages before fusion leave it; nearly all samples are one segment.

    Attributes:
        windows: The segment's windows in time order.
        seen: Crops, which of them each window takes, and the series of the face table that the
            configuration asks for; no crop and rows of -1 for a sample without a picture.
        sound: Features of the sound with its margins; None without sound.
        activity: Share of each window that holds a voice, float32 (windows,).
        silent: Whether the sound is silent throughout, so that serving does not use it; true without sound.
        table: All that the face analyzer measured, a row a frame; None without a picture. A still has one
            row, which every instant of its window shows.
        further: The segments that follow, of a sample longer than ``Settings.segment_s``.
    """

    windows: tuple[Window, ...]
    seen: Seen
    sound: SoundFeatures | None
    activity: NDArray[np.float32]
    silent: bool
    table: FaceTable | None = None
    further: tuple[SampleFeatures, ...] = ()

    @property
    def segments(self) -> tuple[SampleFeatures, ...]:
        """Return this segment and those that follow it."""
        return (self, *self.further)


def series_of(
    table: FaceTable, windows: Sequence[Window], config: ModelConfig, fps: float
) -> NDArray[np.float32] | None:
    """Return what a model takes of a segment's face table, (windows, steps, columns); None if it takes none.

    Args:
        table: Of the segment.
        windows: Of the segment, which starts with the first of them.
        config: Of the model.
        fps: Rate of the table's rows.
    """
    if config.series is None:
        return None
    return window_series(table, windows, config.series, segment_start_s=windows[0].start_s, fps=fps)

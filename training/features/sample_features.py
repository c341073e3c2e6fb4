"""What serving's stages make of one sample, before its face and voice are fused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.audio.features import SoundFeatures
from worker.faces.table import FaceTable
from worker.fusion import Seen
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

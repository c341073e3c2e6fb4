"""What every face analyzer does, whatever is behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from worker.faces.track import FaceTrack


def no_progress(_share: float) -> None:
    """Tell nobody."""


class FaceAnalyzer(Protocol):
    """Follows one face through a segment; the seam between ``landmarker`` and ``openface``.

    Attributes:
        name: The analyzer's name in requests, results and CSV files.
        version: Changes whenever the same frames could give other numbers.
        reliability: How well each action unit's intensity follows OpenFace's, as Pearson's r of a recorded
            clip; None where nothing is estimated.
    """

    name: str
    version: str
    reliability: Mapping[str, float] | None

    def analyze(  # noqa: PLR0913 - all but the frames are named
        self,
        frames: Iterable[NDArray[np.uint8]],
        *,
        fps: float,
        first_frame: int,
        keep: Sequence[int],
        crop_size: int,
        crop_zoom: float = 1.0,
        checkpoint: Callable[[], None],
        progress: Callable[[float], None] = no_progress,
    ) -> FaceTrack:
        """Follow one face through a segment.

        Args:
            frames: Upright RGB frames of shape (H, W, 3) at a constant rate.
            fps: Rate of the frames, in frames a second.
            first_frame: Number of media frames before this segment.
            keep: Indices, within this segment, of the frames whose crops are wanted; sorted, unique.
            crop_size: Side of the crops in pixels.
            crop_zoom: How much closer the crops are than usual, see ``worker.faces.alignment``.
            checkpoint: Called at least once a second of work; may raise to stop the work.
            progress: Given the share of the frames that are done, 0 to 1, where it is known.

        Returns:
            One table row a frame and one crop for each index of ``keep``.

        Raises:
            AvemotionError: The analyzer is not able to work on this machine.
        """
        ...

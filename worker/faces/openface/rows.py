"""From what OpenFace recorded to the rows that every analyzer gives."""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from worker.faces.openface.recording import Recording
from worker.faces.openface.video import Video
from worker.faces.table import FaceTable

T = TypeVar("T", bound=np.generic)

_LEAST_USABLE_SHARE: Final = 0.5


def build_table(recording: Recording, video: Video, *, fps: float, first_frame: int) -> FaceTable:
    """Return a row for each frame of the video; junk, and frames without a row, are null.

    Args:
        recording: What OpenFace saw in the video.
        video: The video.
        fps: Rate of the frames.
        first_frame: Number of media frames before the video.
    """
    success = _spread(recording, recording.usable(), np.zeros(video.frames, dtype=bool))
    confidence = _spread(recording, recording.confidence, np.zeros(video.frames, dtype=np.float32))
    scale = {"x_": video.scale_x, "y_": video.scale_y}
    columns = {
        name: _spread(
            recording, column / scale.get(name[:2], 1), np.full(video.frames, np.nan, dtype=np.float32)
        )
        for name, column in recording.columns.items()
    }
    return FaceTable.from_columns(
        columns, fps=fps, first_frame=first_frame, confidence=confidence, success=success
    )


def is_low_quality(recording: Recording, frames: int) -> bool:
    """Tell whether the face is seen too poorly to trust: usable in less than half of the frames.

    A picture that lies on its side is among these: rows whose head is turned by more than a radian
    about any axis are junk, so a median turn beyond that leaves no half of them.
    """
    return bool(np.count_nonzero(recording.usable()) < _LEAST_USABLE_SHARE * frames)


def _spread(recording: Recording, values: NDArray[T], frames: NDArray[T]) -> NDArray[T]:
    """Write each row's value to its frame."""
    frames[recording.index] = values
    return frames

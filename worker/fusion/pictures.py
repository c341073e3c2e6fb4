"""The pictures of each window: audio images and face frames, before any fusion has its way with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from worker.fusion.fused import FusedWindows, Heard, Seen
from worker.fusion.layouts import AUDIO, VIDEO

MODALITIES = {AUDIO: "audio", VIDEO: "video"}


@dataclass(frozen=True, eq=False)
class Pictures:
    """What a segment's windows show.

    Attributes:
        joined: Audio images and then face frames of each window, RGB, uint8
            (windows, 2 * num_frame, size, size, 3); black where a window has no sound or no face.
        present: Whether each window has sound and a face, bool (windows, 2).
        face_coverage: Share of each window's frames in which a face was found, float32 (windows,).
    """

    joined: NDArray[np.uint8]
    present: NDArray[np.bool_]
    face_coverage: NDArray[np.float32]

    @property
    def images(self) -> NDArray[np.uint8]:
        """The audio images, (windows, num_frame, size, size, 3)."""
        return self.joined[:, : self.joined.shape[1] // 2]

    @property
    def faces(self) -> NDArray[np.uint8]:
        """The face frames, (windows, num_frame, size, size, 3)."""
        return self.joined[:, self.joined.shape[1] // 2 :]

    def fused(self, shown: NDArray[np.uint8], **inputs: NDArray[Any]) -> FusedWindows:
        """Return the windows with the inputs that a fusion has made of them."""
        modalities = [
            tuple(name for column, name in MODALITIES.items() if window[column]) for window in self.present
        ]
        present = self.present.astype(np.uint8)
        return FusedWindows({"present": present, **inputs}, modalities, self.face_coverage, shown)


def gather(seen: Seen, heard: Heard, config: ModelConfig) -> Pictures:
    """Return the pictures of each window.

    A frame without a face takes the nearest frame of its window that has one, the earlier of two.

    Raises:
        ValueError: The arrays do not belong together, or are not those that the model takes.
    """
    _check(seen, heard, config)
    windows, count, size = len(seen.rows), config.num_frame, config.input_size
    has_face = seen.rows >= 0
    has_face[has_face] = seen.found[seen.rows[has_face]]
    present = np.zeros((windows, 2), np.bool_)
    present[:, VIDEO] = has_face.any(axis=1)
    if heard.images is not None:
        present[:, AUDIO] = heard.voiced

    pictures = Pictures(
        np.zeros((windows, 2 * count, size, size, 3), np.uint8),
        present,
        has_face.mean(axis=1, dtype=np.float32),
    )
    nearest = np.take_along_axis(seen.rows, _nearest(has_face), axis=1)
    for window in range(windows):
        # One at a time: a second copy of a segment's windows would be as large as the windows.
        if heard.images is not None and present[window, AUDIO]:
            pictures.images[window] = heard.images[window]
        if present[window, VIDEO]:
            pictures.faces[window] = seen.crops[nearest[window]]
    return pictures


def _nearest(has_face: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each frame of (windows, n) the index of the nearest one that is true in its row."""
    index = np.arange(has_face.shape[1])
    distance = np.abs(index[:, None] - index)
    # (windows, for frame, candidate): a frame that is not true is further than any.
    nearest: NDArray[np.int64] = np.where(has_face[:, None, :], distance, index.size).argmin(axis=2)
    return nearest


def _check(seen: Seen, heard: Heard, config: ModelConfig) -> None:
    """Raise ValueError where the arrays do not belong together, or are not those that the model takes."""
    windows, picture = len(seen.rows), (config.input_size, config.input_size, 3)
    if seen.rows.shape != (windows, config.num_frame):
        raise ValueError(f"{seen.rows.shape[1]} frames a window; the model takes {config.num_frame}.")
    if len(seen.found) != len(seen.crops) or len(heard.voiced) != windows:
        raise ValueError("`found` needs one value a crop, and `voiced` one a window.")
    if seen.rows.size and seen.rows.max() >= len(seen.crops):
        raise ValueError(f"`rows` names crop {seen.rows.max()} of {len(seen.crops)}.")
    if len(seen.crops) and seen.crops.shape[1:] != picture:
        raise ValueError(f"Crops of shape {seen.crops.shape[1:]}; the model takes {picture}.")
    taken = (windows, config.num_frame, *picture)
    if heard.images is not None and heard.images.shape != taken:
        raise ValueError(f"Audio images of shape {heard.images.shape}; the model takes {taken}.")

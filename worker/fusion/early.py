"""Early fusion: one sequence of face frames and audio images for one encoder.

The layout is ``audio-first``: n audio images, then n face frames. An even n keeps each 2-frame
tubelet of the encoder within one modality.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from worker.fusion.fused import FusedWindows

TUBELET_FRAMES = 2


def fuse(
    crops: NDArray[np.uint8],
    found: NDArray[np.bool_],
    rows: NDArray[np.integer],
    images: NDArray[np.uint8] | None,
    voiced: NDArray[np.bool_],
) -> FusedWindows:
    """Return one sequence a window, as ``inputs["frames"]``: uint8 (windows, 2n, size, size, 3).

    A frame without a face takes the nearest frame of its window that has one, the earlier of two.
    A modality that is missing leaves its half of the sequence to the other, which then stands there
    twice, in the same order: the half that is there stays where the encoder always meets it, and
    tubelets keep the motion that they have elsewhere (each frame doubled in place would stand
    still). Windows with neither are black, and their modalities say so.

    Args and errors are those of ``Fusion``; an odd n is a ValueError.
    """
    _check(crops, found, rows, images, voiced)
    windows, count = rows.shape
    seen = rows >= 0
    seen[seen] = found[rows[seen]]
    with_face: NDArray[np.bool_] = np.any(seen, axis=1)
    with_sound: NDArray[np.bool_] = (
        voiced.astype(bool) if images is not None else np.zeros(windows, dtype=bool)
    )

    size = crops.shape[1] if images is None else images.shape[2]
    frames = np.zeros((windows, 2 * count, size, size, 3), np.uint8)
    audio_half, face_half = frames[:, :count], frames[:, count:]
    faces = np.take_along_axis(rows, _nearest(seen), axis=1)
    face_half[with_face] = crops[faces[with_face]]
    if images is not None:
        audio_half[with_sound] = images[with_sound]
    only_face, only_sound = with_face & ~with_sound, with_sound & ~with_face
    audio_half[only_face] = face_half[only_face]
    face_half[only_sound] = audio_half[only_sound]

    modalities = [
        (("audio",) if with_sound[k] else ()) + (("video",) if with_face[k] else ()) for k in range(windows)
    ]
    return FusedWindows({"frames": frames}, modalities, seen.mean(axis=1, dtype=np.float32))


def _nearest(seen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each frame of (windows, n) the index of the nearest one that is true in its row."""
    index = np.arange(seen.shape[1])
    distance = np.abs(index[:, None] - index)
    # (windows, for frame, candidate): a frame that is not true is further than any.
    nearest: NDArray[np.int64] = np.where(seen[:, None, :], distance, index.size).argmin(axis=2)
    return nearest


def _check(
    crops: NDArray[np.uint8],
    found: NDArray[np.bool_],
    rows: NDArray[np.integer],
    images: NDArray[np.uint8] | None,
    voiced: NDArray[np.bool_],
) -> None:
    """Raise ValueError where the arrays do not belong together."""
    windows, count = rows.shape
    if not count or count % TUBELET_FRAMES:
        raise ValueError(f"{count} frames a modality: an even number is needed, for whole tubelets.")
    if len(found) != len(crops) or len(voiced) != windows:
        raise ValueError("`found` needs one value a crop, and `voiced` one a window.")
    if rows.size and rows.max() >= len(crops):
        raise ValueError(f"`rows` names crop {rows.max()} of {len(crops)}.")
    if images is None:
        return
    size = images.shape[2]
    if images.shape != (windows, count, size, size, 3):
        raise ValueError(f"Audio images of shape {images.shape} for {windows} windows of {count} frames.")
    if len(crops) and crops.shape[1:] != (size, size, 3):
        raise ValueError(f"Crops of {crops.shape[1:]} and audio images of {images.shape[2:]} differ in size.")

"""Layouts: how face frames and audio images share the sequence of one encoder.

The published ones (MultiMAE-DER, Xiang et al. 2024), with two changes. Where pictures follow each
other they do so in whole tubelets of 2 frames, the unit that the encoder sees: a tubelet of a face and
a spectrogram would show neither moving. And a sum is an average: one of bytes wraps around.

Only numpy is imported: what runs the model also asks here, and has no media library.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from shared.catalog.config import PATCH_SIDE_PX, TUBELET_FRAMES

# Which modality a token shows. The first two are also the columns of a network's input `present`.
AUDIO, VIDEO, BOTH = 0, 1, 2

# The layout whose order is that in which the pictures of a window are gathered.
AS_JOINED = "audio-first"

Frames = NDArray[np.uint8]


def arrange(config: ModelConfig, joined: Frames, present: NDArray[np.bool_]) -> Frames:
    """Return windows as the encoder takes them, (windows, frames, size, size, 3).

    Args:
        config: Of a checkpoint with a layout.
        joined: Audio images and then face frames of each window, RGB, (windows, 2 * num_frame, size,
            size, 3); black where not present. It may be returned as it is.
        present: Whether each window has sound and a face, (windows, 2): columns ``AUDIO``, ``VIDEO``.
    """
    images, faces = joined[:, : config.num_frame], joined[:, config.num_frame :]
    if config.layout == "stacked":
        return _stacked(faces, images)
    if config.layout == "summed":
        return _averaged(images, faces, present)
    return joined if config.layout == AS_JOINED else joined[:, _frame_order(config)]


def token_modality(config: ModelConfig) -> NDArray[np.int64]:
    """Return which modality each token of the sequence shows: ``AUDIO``, ``VIDEO`` or ``BOTH``, (tokens,).

    Tokens run in time, row, column order.
    """
    rows = config.input_size // PATCH_SIDE_PX
    grid = np.full((config.frames // TUBELET_FRAMES, rows, rows), BOTH, np.int64)
    if config.layout == "stacked":
        grid[:, : rows // 2], grid[:, rows // 2 :] = VIDEO, AUDIO
    elif config.layout != "summed":
        from_faces = _frame_order(config)[::TUBELET_FRAMES] >= config.num_frame
        grid[:] = np.where(from_faces, VIDEO, AUDIO)[:, None, None]
    return grid.ravel()


def _frame_order(config: ModelConfig) -> NDArray[np.int64]:
    """Return for each place of the sequence its frame in images-then-faces, (2 * num_frame,)."""
    tubelets = config.num_frame // TUBELET_FRAMES
    images, faces = np.arange(tubelets), np.arange(tubelets, 2 * tubelets)
    orders: dict[str | None, Callable[[], NDArray[np.int64]]] = {
        "audio-first": lambda: np.concatenate([images, faces]),
        "video-first": lambda: np.concatenate([faces, images]),
        "alternating": lambda: np.stack([images, faces], axis=1).ravel(),
        "random": lambda: _shuffled(2 * tubelets, config.layout_seed),
    }
    order = orders[config.layout]()
    return (order[:, None] * TUBELET_FRAMES + np.arange(TUBELET_FRAMES)).ravel()


def _shuffled(count: int, seed: int) -> NDArray[np.int64]:
    """Return the order that a seed stands for: one for all windows of a checkpoint.

    By the bit generator's raw integers, which no version of numpy may change, unlike ``permutation``.
    """
    return np.argsort(np.random.PCG64(seed).random_raw(count), kind="stable")


def _stacked(above: Frames, below: Frames) -> Frames:
    """Return pictures whose upper half is one of those given, at half its height, and the lower the other."""
    stacked = np.empty_like(above)
    half = above.shape[2] // 2
    for window, (upper, lower) in enumerate(zip(above, below, strict=True)):
        stacked[window, :, :half] = _mean(upper[:, ::2], upper[:, 1::2])
        stacked[window, :, half:] = _mean(lower[:, ::2], lower[:, 1::2])
    return stacked


def _averaged(images: Frames, faces: Frames, present: NDArray[np.bool_]) -> Frames:
    """Return the mean of both where a window has both, and the one it has elsewhere."""
    averaged: Frames = images | faces
    for window in np.flatnonzero(present.all(axis=1)):
        averaged[window] = _mean(images[window], faces[window])
    return averaged


def _mean(first: Frames, second: Frames) -> Frames:
    """Return the mean of two pictures, rounded up."""
    total: NDArray[np.uint16] = np.add(first, second, dtype=np.uint16)
    return ((total + 1) >> 1).astype(np.uint8)

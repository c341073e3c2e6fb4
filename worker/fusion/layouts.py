"""Layouts: how face frames and audio images share the sequence of one encoder.

The published ones (MultiMAE-DER, Xiang et al. 2024), with two changes. Where pictures follow each
other they do so in whole tubelets of 2 frames, the unit that the encoder sees: a tubelet of a face and
a spectrogram would show neither moving. And a sum is an average: one of bytes wraps around.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from shared.catalog.config import PATCH_SIDE_PX, TUBELET_FRAMES

# Which modality a token shows. The first two are also the columns of a network's input `present`.
AUDIO, VIDEO, BOTH = 0, 1, 2

Frames = NDArray[np.uint8]


def arrange(config: ModelConfig, images: Frames, faces: Frames, present: NDArray[np.bool_]) -> Frames:
    """Return windows as the encoder takes them, (windows, frames, size, size, 3).

    Args:
        config: Of a checkpoint with a layout.
        images: Audio images, RGB, (windows, num_frame, size, size, 3); black where not present.
        faces: Face frames, of the same shape; black where not present.
        present: Whether each window has sound and a face, (windows, 2): columns ``AUDIO``, ``VIDEO``.
    """
    if config.layout == "stacked":
        return np.concatenate([_halved(faces), _halved(images)], axis=2)
    if config.layout == "summed":
        return _averaged(images, faces, present)
    joined = np.concatenate([images, faces], axis=1)
    return joined[:, _frame_order(config)]


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


def _halved(frames: Frames) -> Frames:
    """Return frames at half their height."""
    windows, count, size, _, channels = frames.shape
    halved = np.empty((windows, count, size // 2, size, channels), np.uint8)
    for frame, half in zip(
        frames.reshape(-1, size, size, channels), halved.reshape(-1, size // 2, size, channels), strict=True
    ):
        cv2.resize(frame, (size, size // 2), dst=half, interpolation=cv2.INTER_AREA)
    return halved


def _averaged(images: Frames, faces: Frames, present: NDArray[np.bool_]) -> Frames:
    """Return the mean of both where a window has both, and the one it has elsewhere."""
    total = images.astype(np.uint16) + faces
    parts = np.maximum(1, present.sum(axis=1)).astype(np.uint16)[:, None, None, None, None]
    averaged: Frames = np.clip((total + parts // 2) // parts, 0, 255).astype(np.uint8)
    return averaged

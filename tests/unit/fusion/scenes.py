"""Segments whose pictures are each of one number, which tells where a picture of the result came from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from shared.catalog.config import SHARED_FRAMES
from worker.audio.settings import AUDIO as AUDIO_SETTINGS
from worker.fusion import Heard, Seen

SIZE = 32
COUNT = 4
COLUMNS = ("AU01_r", "pose_Rx", "gaze_angle_x")
STEPS = 5
# Crop k is all k; image k of window w is all 100 + 10 w + k.
ROWS = np.arange(2 * COUNT).reshape(2, COUNT)
AUDIO = 100 + 10 * np.arange(2)[:, None] + np.arange(COUNT)
VOICED = np.ones(2, dtype=bool)
ALL = np.ones(2 * COUNT, dtype=bool)


def make_config(fusion: str = "early", layout: str | None = "audio-first", **changes: Any) -> ModelConfig:
    """Return the configuration of a checkpoint with four small frames a modality."""
    layout = None if fusion == "late" else layout
    shared = layout is None or layout in SHARED_FRAMES
    return ModelConfig.model_validate(
        {
            "format": 1,
            "preset": "tiny",
            "fusion": fusion,
            "layout": layout,
            "join": "logits" if fusion == "late" else None,
            "series": {"columns": COLUMNS, "steps": STEPS} if fusion == "hybrid" else None,
            "labels": ("anger", "joy"),
            "frames": COUNT if shared else 2 * COUNT,
            "input_size": SIZE,
            "num_frame": COUNT,
            "window_s": 2.0,
            "normalisation": {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)},
            "audio": AUDIO_SETTINGS.model_dump(),
            **changes,
        }
    )


def plain(values: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return pictures that are each all one of these numbers, (*values, SIZE, SIZE, 3)."""
    return np.broadcast_to(values[..., None, None, None], (*values.shape, SIZE, SIZE, 3)).astype(np.uint8)


CROPS = plain(np.arange(2 * COUNT))
IMAGES = plain(AUDIO)


def numbers(pictures: NDArray[np.uint8]) -> list[list[int]]:
    """Return the number that each picture of each window is filled with, after checking that it is."""
    assert pictures.dtype == np.uint8
    assert pictures.shape[2:] == (SIZE, SIZE, 3)
    assert np.all(pictures == pictures[:, :, :1, :1, :1])
    found: list[list[int]] = pictures[:, :, 0, 0, 0].tolist()
    return found


def seen(**changes: Any) -> Seen:
    """Return two windows that each show four faces."""
    return Seen(**{"crops": CROPS, "found": ALL, "rows": ROWS, **changes})


def heard(**changes: Any) -> Heard:
    """Return two windows that each hold a voice."""
    return Heard(**{"images": IMAGES, "voiced": VOICED, **changes})


FACE_ONLY = heard(images=None)
VOICE_ONLY = seen(crops=CROPS[:0], found=ALL[:0], rows=np.full((2, COUNT), -1))

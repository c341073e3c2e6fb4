"""Samples for these tests, their files generated."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from shared.settings import Settings
from tests import media_factory as media
from tests.unit.fusion.scenes import make_config
from training.datasets.sample import Sample, Still
from training.features.sample_features import SampleFeatures
from worker.audio.features import SoundFeatures
from worker.faces import load_analyzer
from worker.faces.analyzer import FaceAnalyzer
from worker.faces.table import FaceTable
from worker.fusion import Seen
from worker.windows import Window

SETTINGS = Settings()
FPS = SETTINGS.fps


@lru_cache(maxsize=1)
def analyzer() -> FaceAnalyzer:
    """Return the built-in analyzer."""
    return load_analyzer("landmarker", SETTINGS)


def config(fusion: str = "hybrid", **changes: Any) -> ModelConfig:
    """Return a configuration of four small frames a modality."""
    return make_config(fusion, **changes)


def write_image(path: Path, rgb: NDArray[np.uint8]) -> Path:
    """Write an image file of the kind that its suffix names."""
    assert cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    return path


def face_still(folder: Path) -> Sample:
    """Return a still with a face."""
    return Sample(
        "still", "made", still=Still(write_image(folder / "face.png", media.face_frames()[0]), None)
    )


def voice(folder: Path, name: str = "voice", duration_s: float = 1.0) -> Sample:
    """Return a sample of a voice alone."""
    path = media.audio(folder / f"{name}.wav", wave=media.voice(duration_s))
    return Sample(name, "made", audio=path)


def segment(  # noqa: PLR0913 - each part of a segment is named
    *,
    windows: int = 2,
    first_crop: int = 1,
    size: int = 32,
    count: int = 4,
    start_s: float = 0.0,
    level_db: float | None = -20.0,
    silent: bool = False,
) -> SampleFeatures:
    """Return a segment whose crops are filled with numbers from ``first_crop`` on, a frame each."""
    crops = windows * count
    frames = round(2.0 * windows * FPS)
    table = FaceTable.from_columns(
        {"AU01_r": np.arange(frames), "pose_Rx": np.arange(frames) / 100},
        fps=FPS,
        first_frame=round(start_s * FPS),
        confidence=np.linspace(0.5, 1, frames),
        success=np.arange(frames) % 7 != 3,
    )
    columns = round(2.0 * windows * 100) + 1
    sound = None
    if level_db is not None:
        ramp = np.linspace(0, 5, columns, dtype=np.float32)
        sound = SoundFeatures(
            np.full((64, columns), level_db, np.float32) + ramp,
            np.full((13, columns), -3.0, np.float32),
            0.01,
            start_s,
        )
    return SampleFeatures(
        windows=tuple(Window(k, start_s + 2.0 * k, start_s + 2.0 * k + 2.0) for k in range(windows)),
        seen=Seen(
            np.broadcast_to(
                np.arange(first_crop, first_crop + crops, dtype=np.uint8)[:, None, None, None],
                (crops, size, size, 3),
            ).copy(),
            np.arange(crops) != 1,
            np.arange(crops).reshape(windows, count),
        ),
        sound=sound,
        activity=np.linspace(0.1, 0.3, windows, dtype=np.float32),
        silent=silent or sound is None,
        table=table,
    )

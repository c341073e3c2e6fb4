"""What decides the numbers in a feature cache, as one short name: features of another one are never used."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import Any

import cv2

from shared.catalog import ModelConfig
from shared.settings import Settings
from training.features.store import FORMAT
from worker.faces.analyzer import FaceAnalyzer

DIGITS = 16
# What decodes, resizes and transforms: another version may give other last digits.
_LIBRARIES = ("ai-edge-litert", "av", "imageio-ffmpeg", "librosa", "numpy")


def recipe_of(config: ModelConfig, settings: Settings, analyzer: FaceAnalyzer) -> dict[str, Any]:
    """Return all that decides the features of a given file, to be read by people too.

    Fusion, layout, labels and series are not among it: they do not change what is kept.
    """
    return {
        "format": FORMAT,
        "config": config.model_dump(
            mode="json", include={"input_size", "num_frame", "window_s", "face_zoom", "audio"}
        ),
        "settings": settings.model_dump(
            mode="json", include={"fps", "window_fps", "frame_side", "segment_s"}
        ),
        "analyzer": {"name": analyzer.name, "version": analyzer.version},
        "libraries": {name: version(name) for name in _LIBRARIES} | {"opencv": cv2.__version__},
    }


def fingerprint(document: Any) -> str:
    """Return a short name for a JSON document, the same on every machine."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]

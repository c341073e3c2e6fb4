"""OpenFace's ``FeatureExtraction``, found on this machine and run as a limited child; never shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker.faces.openface.analyzer import OpenFace

__all__ = ["OpenFace"]


def __getattr__(name: str) -> Any:
    """Import the analyzer when it is asked for: ``installation`` alone needs no media library."""
    if name != "OpenFace":
        raise AttributeError(name)
    from worker.faces.openface.analyzer import OpenFace  # noqa: PLC0415 - brings OpenCV and PyAV

    return OpenFace

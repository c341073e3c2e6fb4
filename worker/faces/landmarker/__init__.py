"""The built-in analyzer: Google's Face Landmarker models, run without MediaPipe."""

from __future__ import annotations

from worker.faces.landmarker.analyzer import Landmarker

__all__ = ["Landmarker"]

"""Analyzers that find a face in each frame and say what it does."""

from __future__ import annotations

from functools import lru_cache

from shared.errors import AvemotionError, ErrorCode
from worker.faces.analyzer import FaceAnalyzer


@lru_cache
def load_analyzer(name: str) -> FaceAnalyzer:
    """Return the analyzer of that name, loaded once a process; call it in the process that uses it.

    Raises:
        AvemotionError: There is no such analyzer on this machine.
    """
    if name == "landmarker":
        from worker.faces.landmarker import Landmarker  # noqa: PLC0415 - its libraries must not cross a fork

        return Landmarker.load()
    raise AvemotionError(
        ErrorCode.ANALYZER_UNAVAILABLE, f"There is no face analyzer {name!r} on this machine."
    )

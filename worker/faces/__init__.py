"""Analyzers that find a face in each frame and say what it does."""

from __future__ import annotations

from functools import lru_cache

from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from worker.faces.analyzer import FaceAnalyzer


@lru_cache
def load_analyzer(name: str, settings: Settings) -> FaceAnalyzer:
    """Return the analyzer of that name, loaded once a process; call it in the process that uses it.

    Raises:
        AvemotionError: There is no such analyzer on this machine.
    """
    if name == "landmarker":
        from worker.faces.landmarker import Landmarker  # noqa: PLC0415 - its libraries must not cross a fork

        return Landmarker.load()
    if name == "openface":
        from worker.faces.openface import OpenFace  # noqa: PLC0415 - most workers have none

        return OpenFace.load(settings)
    raise AvemotionError(
        ErrorCode.ANALYZER_UNAVAILABLE, f"There is no face analyzer {name!r} on this machine."
    )


def set_up_analyzers(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return each analyzer that settings name beside the built-in one, and what is wrong with it here."""
    from worker.faces.openface.installation import find_installation  # noqa: PLC0415 - as above

    installation = find_installation(settings)
    return {} if installation is None else {"openface": installation.check().problems}

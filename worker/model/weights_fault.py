"""The one error of weights that are not what they should be."""

from __future__ import annotations

from pathlib import Path

from shared.errors import AvemotionError, ErrorCode


def invalid(path: Path, what: str) -> AvemotionError:
    """Return the error about a file or folder, which is named by the last part of its path.

    Args:
        path: The file or folder.
        what: What is wrong with it, and where, up to the full stop.
    """
    return AvemotionError(ErrorCode.INVALID_WEIGHTS, f"{path.name}: {what}")

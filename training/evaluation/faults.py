"""The one way in which scores are refused."""

from __future__ import annotations

from shared.errors import AvemotionError, ErrorCode


def invalid(message: str) -> AvemotionError:
    """Return the error for scores that cannot be evaluated as they are."""
    return AvemotionError(ErrorCode.INVALID_DATASET, message)

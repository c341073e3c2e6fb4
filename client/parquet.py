"""Parquet, where what reads and writes it is installed."""

from __future__ import annotations

from importlib.util import find_spec

from shared.errors import AvemotionError, ErrorCode


def check_parquet() -> None:
    """Refuse Parquet where it can be neither read nor written, before work is spent on it.

    Raises:
        AvemotionError: ``INVALID_REQUEST``.
    """
    if find_spec("pyarrow") is None:
        raise AvemotionError(
            ErrorCode.INVALID_REQUEST,
            "Parquet needs pyarrow, which is not here: pip install pyarrow, or take .csv or .jsonl.",
        )

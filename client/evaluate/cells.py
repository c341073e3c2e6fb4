"""What a cell of a result says, whatever format it came in."""

from __future__ import annotations

import math
from typing import Any

NAN = float("nan")


def text(value: Any) -> str:
    """Return a cell as text; empty where there is nothing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip()


def number(value: Any) -> float:
    """Return a cell as a number; NaN where there is nothing.

    Raises:
        ValueError: It is no number, or not a finite one.
    """
    written = text(value)
    if not written or written.lower() == "nan":
        return NAN
    found = float(written)
    if isinstance(value, bool) or math.isinf(found):
        raise ValueError(written)
    return found


def truth(value: Any) -> bool | None:
    """Return a cell as yes or no; None where it is neither."""
    return {"true": True, "false": False, "1": True, "0": False}.get(text(value).lower())

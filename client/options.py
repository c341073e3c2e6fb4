"""What a job is asked for on the command line, as in the body of ``POST /predict``."""

from __future__ import annotations

import math
from typing import Any

import typer


def job_options(*, window: float | None, stride: float | None, **others: Any) -> dict[str, Any]:
    """Return the options that were given, by their names in the API.

    Args:
        window: Seconds.
        stride: Seconds.
        others: By the names that the API has for them.
    """
    given = {
        **others,
        "window_s": _finite(window, "--window"),
        "stride_s": _finite(stride, "--stride"),
    }
    return {name: value for name, value in given.items() if value is not None}


def _finite(value: float | None, option: str) -> float | None:
    """Return the number of an option; the limits are the API's to check."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter("is not a number of seconds.", param_hint=option)
    return value

"""What operators write and read: ages, ids, yes and no."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime

import typer

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
UNITS_S = {"s": 1, "m": MINUTE_S, "h": HOUR_S, "d": DAY_S, "w": 7 * DAY_S}
AGE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhdw])", re.IGNORECASE)


def read_age(text: str) -> float:
    """Return the seconds of an age such as ``90s``, ``30m``, ``12h``, ``7d`` or ``2w``."""
    found = AGE.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no age; write 90s, 30m, 12h, 7d or 2w")
    return float(found[1]) * UNITS_S[found[2].lower()]


def read_job_id(text: str) -> uuid.UUID:
    """Return the id of a job."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no id of a job; `avemotion ops jobs` lists them") from None


def age(seconds: float | None) -> str:
    """Return an age in two units at most: ``12 s``, ``3 min``, ``5 h 20 min``, ``3 d 4 h``; ``-``: none."""
    if seconds is None:
        return "-"
    whole = max(0, round(seconds))
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S} min"
    small, large, names = (MINUTE_S, HOUR_S, ("h", "min")) if whole < DAY_S else (HOUR_S, DAY_S, ("d", "h"))
    many, rest = divmod(whole, large)
    return f"{many} {names[0]} {rest // small} {names[1]}" if rest // small else f"{many} {names[0]}"


def moment(at: datetime) -> str:
    """Return a moment to the minute: ``2026-11-25 12:00 UTC``."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def size(count: float) -> str:
    """Return a number of bytes as people write it: ``512 B``, ``1.5 MB``, ``40 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004 - the step between units
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"  # noqa: PLR2004
        count /= 1000
    return f"{count:,.1f} TB"


def number(count: int, one: str, many: str | None = None) -> str:
    """Return a number of things: ``1 job``, ``1,200 jobs``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def ask(count: int, question: str, *, yes: bool) -> None:
    """Go on if it is about one thing at most, or if the operator says yes."""
    if count > 1 and not yes:
        typer.confirm(question, abort=True, err=True)

"""Figures as people read them."""

from __future__ import annotations

from training.evaluation.document import Estimate

NONE = "-"


def figure(value: float | Estimate | None) -> str:
    """Return a figure to three digits; a dash where there is none."""
    number = _number(value)
    return NONE if number is None else f"{number:.3f}"


def signed(value: float | Estimate | None) -> str:
    """Return a difference with its sign; a dash where there is none."""
    number = _number(value)
    if number is None:
        return NONE
    # Adding 0 turns a zero with a minus into a plain one.
    return f"{round(number, 3) + 0:+.3f}".replace("-", "\N{MINUS SIGN}")


def interval(estimate: Estimate, *, sign: bool = False) -> str:
    """Return the interval's ends, or a dash where there is none."""
    if estimate.low is None or estimate.high is None:
        return NONE
    write = signed if sign else figure
    return f"{write(estimate.low)} to {write(estimate.high)}"


def _number(value: float | Estimate | None) -> float | None:
    return value.value if isinstance(value, Estimate) else value

"""Plots made of characters: bars, small series over time, a chart with a zero line.

Every function returns plain lines of equal width that say the same without colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from client.render.text import clock

# Wider steps would make a clip of one window look like more than it is.
MOST_COLUMNS_PER_WINDOW = 12
MIDDLE_LABEL_COLUMNS = 24


@dataclass(frozen=True)
class Glyphs:
    """The characters to draw with.

    Attributes:
        rising: From empty to full, growing from below.
        growing: From empty to full, growing from the left.
        marks: Of the first series, of the second, of both in one place.
        axis: Vertical line, line at zero, where the two meet.
        gap: Stands where there is no value.
        rail: Of a scale from -1 to 1: line, middle, mark.
        separator: Between two facts on one line.
    """

    rising: str = " ▁▂▃▄▅▆▇█"
    growing: str = " ▏▎▍▌▋▊▉█"
    marks: tuple[str, str, str] = ("●", "○", "◉")
    axis: tuple[str, str, str] = ("│", "─", "┼")
    gap: str = "·"
    rail: tuple[str, str, str] = ("─", "┼", "●")
    separator: str = " · "


UNICODE = Glyphs()
ASCII = Glyphs(
    rising=" .:-=+*#@",
    growing=" #",
    marks=("V", "A", "*"),
    axis=("|", "-", "+"),
    gap="?",
    rail=("-", "+", "o"),
    separator=", ",
)


@dataclass(frozen=True)
class Sample:
    """One value over a span of time in seconds; None where there is nothing to show."""

    start_s: float
    end_s: float
    value: float | None


def bar(share: float, width: int, glyphs: Glyphs = UNICODE) -> str:
    """Return a bar ``width`` characters wide whose filled part is ``share`` (0 to 1)."""
    steps = len(glyphs.growing) - 1
    full, rest = divmod(round(min(max(share, 0), 1) * width * steps), steps)
    line = glyphs.growing[-1] * full + (glyphs.growing[rest] if rest else "")
    return line.ljust(width)


def rail(value: float, width: int, glyphs: Glyphs = UNICODE) -> str:
    """Return a scale from -1 to 1, ``width`` (odd) characters wide, with a mark at ``value``."""
    line, middle, mark = glyphs.rail
    cells = [line] * width
    cells[width // 2] = middle
    cells[_place(value, width)] = mark
    return "".join(cells)


def columns_for(windows: int, width: int) -> int:
    """Return how many columns a plot of so many windows takes, at most ``width``."""
    return max(1, min(width, windows * MOST_COLUMNS_PER_WINDOW))


def resample(samples: Sequence[Sample], columns: int) -> list[float | None]:
    """Return the mean value in each of ``columns`` equal spans of time.

    A sample counts in every span that it overlaps, by the length of the overlap, so windows may overlap
    each other, leave gaps, or be far more than there are columns.

    Args:
        samples: In order of time, at least one.
        columns: Length of the result.
    """
    first_s, last_s = samples[0].start_s, max(sample.end_s for sample in samples)
    step_s = (last_s - first_s) / columns or 1.0
    sums, weights = [0.0] * columns, [0.0] * columns
    for sample in samples:
        if sample.value is None:
            continue
        begin, end = (sample.start_s - first_s) / step_s, (sample.end_s - first_s) / step_s
        for column in range(int(begin), min(columns, ceil(end - 1e-9))):
            weight = min(end, column + 1) - max(begin, column)
            sums[column] += weight * sample.value
            weights[column] += weight
    return [total / weight if weight else None for total, weight in zip(sums, weights, strict=True)]


def columns_chart(values: Sequence[float | None], rows: int, glyphs: Glyphs = UNICODE) -> list[str]:
    """Return ``rows`` lines of columns whose height is the value (0 to 1)."""
    steps = len(glyphs.rising) - 1
    lines = []
    for row in reversed(range(rows)):
        line = ""
        for value in values:
            if value is None:
                line += glyphs.gap if row == 0 else " "
                continue
            # Even the smallest value leaves a trace: nothing at all means that nothing is known.
            height = max(1, round(min(value, 1) * rows * steps))
            line += glyphs.rising[min(max(height - row * steps, 0), steps)]
        lines.append(line)
    return lines


def signed_chart(
    first: Sequence[float | None], second: Sequence[float | None], rows: int, glyphs: Glyphs = UNICODE
) -> list[str]:
    """Return ``rows`` (odd) lines, from +1 down to -1, with the marks of two series and a zero line."""
    vertical, horizontal, crossing = glyphs.axis
    grid = [[" "] * len(first) for _ in range(rows)]
    grid[rows // 2] = [horizontal] * len(first)
    for series, mark in ((first, glyphs.marks[0]), (second, glyphs.marks[1])):
        for column, value in enumerate(series):
            if value is None:
                continue
            row = rows - 1 - _place(value, rows)
            taken = grid[row][column] == glyphs.marks[0]
            grid[row][column] = glyphs.marks[2] if taken else mark
    labels = {0: "+1", rows // 2: "0", rows - 1: "-1"}
    return [
        f"{labels.get(row, ''):>4}{crossing if row == rows // 2 else vertical}" + "".join(cells)
        for row, cells in enumerate(grid)
    ]


def time_axis(start_s: float, end_s: float, columns: int) -> str:
    """Return a line with the times of the first column, the last and, where there is room, the middle."""
    line = clock(start_s)
    if columns >= MIDDLE_LABEL_COLUMNS:
        middle = clock((start_s + end_s) / 2)
        line = line.ljust(columns // 2 - len(middle) // 2) + middle
    end = clock(end_s)
    return line.ljust(max(len(line) + 1, columns - len(end))) + end


def _place(value: float, cells: int) -> int:
    """Return the cell of ``value`` among ``cells`` that go from -1 to 1."""
    return round((min(max(value, -1), 1) + 1) / 2 * (cells - 1))

from __future__ import annotations

import pytest

from client.render.plots import (
    ASCII,
    UNICODE,
    Glyphs,
    Sample,
    bar,
    columns_chart,
    columns_for,
    rail,
    resample,
    signed_chart,
    time_axis,
)


def chain(*values: float | None) -> list[Sample]:
    """Return samples of a second each, one after the other."""
    return [Sample(index, index + 1, value) for index, value in enumerate(values)]


@pytest.mark.parametrize(
    ("share", "drawn"), [(0, "    "), (1, "████"), (0.5, "██  "), (0.53125, "██▏ "), (7, "████")]
)
def test_bar(share: float, drawn: str) -> None:
    """Bar fills its share of the width in steps of an eighth of a character."""
    assert bar(share, 4) == drawn


@pytest.mark.parametrize(("value", "drawn"), [(-1, "●─┼──"), (0, "──●──"), (1, "──┼─●"), (9, "──┼─●")])
def test_rail(value: float, drawn: str) -> None:
    """Rail marks the value between -1 and 1 and keeps within its ends."""
    assert rail(value, 5) == drawn


def test_one_sample_fills_every_column() -> None:
    """Resample spreads the only window over the whole plot."""
    assert resample(chain(0.4), 5) == pytest.approx([0.4] * 5)


def test_many_samples_are_averaged() -> None:
    """Resample gives the mean of the windows that share a column."""
    assert resample(chain(0.0, 0.2, 0.6, 1.0), 2) == pytest.approx([0.1, 0.8])


def test_a_sample_counts_by_its_overlap() -> None:
    """Resample weighs a window by the part of it that lies in the column."""
    assert resample(chain(0.0, 0.3, 0.9), 2) == pytest.approx([0.1, 0.7])


def test_overlapping_samples_are_averaged() -> None:
    """Resample joins windows that overlap each other."""
    samples = [Sample(0, 2, 0.0), Sample(1, 3, 1.0)]
    assert resample(samples, 3) == pytest.approx([0.0, 0.5, 1.0])


def test_what_is_not_known_stays_unknown() -> None:
    """Resample leaves a hole where no window has a value."""
    assert resample(chain(0.5, None, 0.7), 3) == pytest.approx([0.5, None, 0.7])
    assert resample([Sample(0, 1, 0.5), Sample(2, 3, 0.7)], 3) == pytest.approx([0.5, None, 0.7])


def test_more_samples_than_columns_stay_within() -> None:
    """Resample never goes past its last column, whatever rounding does."""
    samples = [Sample(index * 0.1, (index + 1) * 0.1, 1.0) for index in range(1000)]
    for columns in (1, 7, 60):
        assert resample(samples, columns) == pytest.approx([1.0] * columns)


def test_columns_grow_from_below() -> None:
    """columns_chart fills whole rows first and shows unknown as a mark in the lowest."""
    assert columns_chart([0.0, 0.25, 0.5, 1.0, None], 2) == ["   █ ", "▁▄██·"]


def test_signed_chart_puts_marks_at_their_height() -> None:
    """signed_chart has +1 on top, -1 below, a zero line, and a mark of its own for both."""
    drawn = signed_chart([1, 0, None, -1], [-1, 0, 0.9, None], 3)
    assert drawn == ["  +1│● ○ ", "   0┼─◉──", "  -1│○  ●"]


@pytest.mark.parametrize(
    ("columns", "drawn"),
    [
        (30, "0:00         1:00         2:00"),
        (12, "0:00    2:00"),
        (8, "0:00 2:00"),
        (1, "0:00 2:00"),
    ],
)
def test_time_axis(columns: int, drawn: str) -> None:
    """time_axis puts the end under the last column, and the middle where there is room."""
    assert time_axis(0, 120, columns) == drawn


@pytest.mark.parametrize(("windows", "columns"), [(1, 12), (2, 24), (60, 50), (100_000, 50)])
def test_few_windows_take_little_room(windows: int, columns: int) -> None:
    """columns_for never stretches a window over the whole width."""
    assert columns_for(windows, 50) == columns


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_each_value_has_a_picture_of_its_own(glyphs: Glyphs) -> None:
    """Unknown, nothing and little look different in both sets of characters."""
    assert len({*glyphs.rising, glyphs.gap}) == len(glyphs.rising) + 1
    assert len(set(glyphs.marks)) == 3


def test_plain_terminals_get_plain_characters() -> None:
    """The ASCII set holds nothing but ASCII."""
    drawn = bar(0.3, 9, ASCII) + rail(0.3, 9, ASCII)
    drawn += "".join(columns_chart([0.3, None], 2, ASCII) + signed_chart([0.3], [0.1], 3, ASCII))
    assert drawn.isascii()

from __future__ import annotations

import pytest
import typer

from client.ops.words import age, number, read_age, read_job_id, size


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("12h", 43_200), ("7d", 604_800), ("1.5 W", 907_200)]
)
def test_ages_are_read(text: str, seconds: float) -> None:
    """A number and a unit from seconds to weeks."""
    assert read_age(text) == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "7 days", "1e3s", "nan"])
def test_what_is_no_age_is_told_with_examples(text: str) -> None:
    """Anything else is refused, and how it is written is said."""
    with pytest.raises(typer.BadParameter, match="7d"):
        read_age(text)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, "-"),
        (-0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (19_300, "5 h 21 min"),
        (86_400, "1 d"),
        (273_600, "3 d 4 h"),
    ],
)
def test_ages_are_told_in_two_units_at_most(seconds: float | None, told: str) -> None:
    """Seconds below a minute, minutes below an hour, then two units where the lesser is not 0."""
    assert age(seconds) == told


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (40_000_000_000, "40 GB"), (2.5e12, "2.5 TB")],
)
def test_sizes_are_told(count: float, told: str) -> None:
    """In the largest unit that leaves a whole number, with a tenth below ten."""
    assert size(count) == told


def test_numbers_are_told_with_their_noun() -> None:
    """One is singular; thousands have commas."""
    assert [number(1, "job"), number(0, "job"), number(1200, "job is", "jobs are")] == [
        "1 job",
        "0 jobs",
        "1,200 jobs are",
    ]


def test_what_is_no_id_is_told_where_ids_are() -> None:
    """A word that is no id is refused with the command that lists them."""
    with pytest.raises(typer.BadParameter, match="avemotion ops jobs"):
        read_job_id("mine")

from __future__ import annotations

from tests.unit.training.evaluation.scores import make_scored
from training.evaluation.parts import part_table
from training.evaluation.telling import rates_of


def test_parts_have_their_own_figures() -> None:
    """Each part's figures are those of its samples alone; numbers come before names, and in their order."""
    scored = make_scored()
    values = ["10" if row < 140 else "9" if row < 210 else "b" for row in range(280)]

    table = part_table("room", scored, values)

    assert table.by == "room"
    assert [row.value for row in table.rows] == ["9", "10", "b"]
    assert table.rows[1].rates == rates_of(scored.rows(slice(0, 140)))


def test_samples_without_a_value_or_a_label_are_told_apart() -> None:
    """A sample without a value is in no part; a part without labels has no figures."""
    truth = [-1] * 10 + [0, 1] * 135
    table = part_table("room", make_scored(truth=truth), ["a"] * 10 + ["b"] * 260 + [""] * 10)

    assert [(row.value, row.samples, row.rates is None) for row in table.rows] == [
        ("a", 10, True),
        ("b", 260, False),
    ]

from __future__ import annotations

import pytest

from shared.cells import cell_of


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (-0.5, "-0.5"),
        ("-0.5", "-0.5"),
        ("+1e3", "+1e3"),
        ("plain", "plain"),
        ("a=b", "a=b"),
        ("'a", "'a"),
        ("", ""),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+49 30", "'+49 30"),
        ("-rf.mp4", "'-rf.mp4"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\t1", "'\t1"),
        ("\r=1", "'\r=1"),
    ],
)
def test_no_cell_is_a_formula(value: object, cell: str) -> None:
    """A text that a spreadsheet would run begins with a quote; numbers stay what they are."""
    assert cell_of(value) == cell

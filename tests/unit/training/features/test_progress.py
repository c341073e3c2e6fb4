from __future__ import annotations

import io

from rich.console import Console

from training.features.progress import fill_bar


def test_a_bar_shows_how_many_are_done() -> None:
    """In a terminal a bar counts the samples; its title is text, whatever it says."""
    shown = io.StringIO()
    with fill_bar(Console(file=shown, force_terminal=True, width=100), "[b]data") as move:
        move(3, 40)

    assert "[b]data" in shown.getvalue()
    assert "3/40" in shown.getvalue()


def test_without_a_terminal_nothing_is_shown() -> None:
    """A log is not filled with bars."""
    shown = io.StringIO()
    with fill_bar(Console(file=shown)) as move:
        move(3, 40)

    assert shown.getvalue().strip() == ""

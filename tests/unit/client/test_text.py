from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from client.render.text import NAME_CELLS, clock, display_name, display_path, printable, span


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x9b2J", "\\x9b2J"),
        ("a\nb\rc\td\x07", "a\\nb\\rc\\td\\x07"),
        ("gnp.\u202egpj", "gnp.\\u202egpj"),
        ("a\u2028b", "a\\u2028b"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_steers_a_terminal_is_escaped(text: str, shown: str) -> None:
    """Printable writes control and direction characters as escapes."""
    assert printable(text) == shown


@pytest.mark.parametrize("text", ["Ünïcode", "日本語", "👩‍👧 \"quotes\" 'too'", "[red]no markup[/]"])
def test_what_people_write_stays(text: str) -> None:
    """Printable leaves letters, quotes and joined emoji as they are."""
    assert printable(text) == text


def test_chosen_characters_are_kept() -> None:
    """Printable leaves what ``keep`` names."""
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"


@given(st.text())
def test_nothing_unprintable_is_left(text: str) -> None:
    """Printable returns text that Python, too, holds for printable, joiners aside."""
    assert all(c == "\u200d" or c.isprintable() or c.isspace() for c in printable(text))
    assert not set(printable(text)) & set(map(chr, (*range(32), *range(127, 160))))


def test_a_name_that_is_no_text_is_shown() -> None:
    """display_name writes bytes that are not UTF-8 as escapes."""
    assert display_name(Path("folder") / "q\udcff.mp4") == "q\\xff.mp4"


def test_a_path_is_shown_whole() -> None:
    """display_path keeps the folders."""
    assert display_path(Path("some folder") / "\x1b.mp4") == "some folder/\\x1b.mp4"


def test_a_path_without_a_name_is_shown() -> None:
    """display_name has something to show for the root."""
    assert display_name(Path("/")) == "/"


@pytest.mark.parametrize("name", ["x" * 200 + "_take2.mp4", "日" * 100 + "_take2.mp4"])
def test_a_long_name_keeps_both_ends(name: str) -> None:
    """display_name shortens in the middle and keeps within its width."""
    shown = display_name(Path(name))
    assert cell_len(shown) <= NAME_CELLS
    assert shown.startswith(name[:5])
    assert shown.endswith("_take2.mp4")
    assert "…" in shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0:00"),
        (2.5, "0:02.5"),
        (2.99, "0:03"),
        (4.0, "0:04"),
        (59.7, "1:00"),
        (75, "1:15"),
        (3725, "1:02:05"),
    ],
)
def test_clock(seconds: float, shown: str) -> None:
    """Clock writes a time in a clip as a player does."""
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.05, "0.05 s"), (3.24, "3.2 s"), (60, "1 min"), (200, "3 min 20 s")]
)
def test_span(seconds: float, shown: str) -> None:
    """Span writes a length of time with its unit."""
    assert span(seconds) == shown

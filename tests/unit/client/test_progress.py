from __future__ import annotations

import io
import re

from rich.console import Console

from client.run.progress import Bars, Lines, make_progress


def plain() -> tuple[Console, io.StringIO]:
    """Return a console that is no terminal, and what is written to it."""
    file = io.StringIO()
    return Console(file=file, width=80), file


def test_a_log_gets_a_line_a_stage() -> None:
    """Where there is no terminal, a stage is named once, however often a long clip enters it."""
    console, file = plain()
    progress = make_progress(console, ["a.mp4", "b.mp4"])
    assert isinstance(progress, Lines)
    progress.start()
    for share in (0.1, 0.2, 0.3):
        progress.update(0, "faces", share)
        progress.update(1, "upload", share)
        progress.update(0, "inference", share)
    progress.end(0, succeeded=True)
    progress.end(1, succeeded=False)
    progress.stop()
    lines = file.getvalue().splitlines()
    assert [line.partition(" after")[0] for line in lines] == [
        "starting the service",
        "a.mp4: faces",
        "b.mp4: upload",
        "a.mp4: inference",
        "a.mp4: done",
        "b.mp4: failed",
    ]


def test_names_in_a_log_are_no_markup() -> None:
    """Brackets in a name stay, and long names are not wrapped."""
    console, file = plain()
    name = "[bold]" + "x" * 100
    Lines(console, [name]).update(0, "faces", 0.1)
    assert file.getvalue() == f"{name}: faces\n"


def test_a_terminal_gets_a_bar_a_clip() -> None:
    """In a terminal each clip has a line with its name, share and stage, whatever the name holds."""
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system=None, _environ={"TERM": "xterm"})
    progress = make_progress(console, ["[bold]a.mp4", "a very long name that does not fit at all.mp4"])
    assert isinstance(progress, Bars)
    progress.start()
    progress.update(0, "faces", 0.25)
    progress.end(1, succeeded=False)
    progress.stop()
    progress.stop()
    first, second = re.sub(r"\x1b\[[?\d]*\w", "", file.getvalue()).splitlines()[-2:]
    assert first.startswith("[bold]a.mp4 ")
    assert " 25% faces" in first
    assert "a very long name that does …" in second
    assert "failed" in second


def test_bars_show_that_the_service_is_starting() -> None:
    """Before anything is known of a clip its bar says starting."""
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system=None, _environ={"TERM": "xterm"})
    progress = Bars(console, ["a.mp4"])
    progress.start()
    progress.stop()
    assert "starting" in file.getvalue()

from __future__ import annotations

import io

import pytest
from rich.console import Console

from client.score.progress import Bar, Lines, make_progress
from client.score.tally import Tally


def batch(succeeded: int, failed: int = 0, cancelled: int = 0) -> dict[str, dict[str, int]]:
    counts = {"succeeded": succeeded, "failed": failed, "cancelled": cancelled}
    return {"counts": counts, "errors": {"no_face_found": failed} if failed else {}}


def tally(**more: int) -> Tally:
    found = Tally(100)
    found.update(batch(**more))
    return found


def plain() -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=80), file


def test_a_tally_counts_what_was_not_sent_as_ended() -> None:
    """Failures are those of the batch and those before it, by code; each change is told."""
    told: list[int] = []
    found = Tally(10, tell=lambda now: told.append(now.ended))
    found.note_sent(4)
    found.note_fault("empty_upload")
    found.update(batch(succeeded=2, failed=2, cancelled=1))
    assert told == [0, 1, 6]
    assert found.sent == 4
    assert found.succeeded == 2
    assert found.failures == "3 failed (no_face_found 2, empty_upload 1), 1 cancelled"
    assert Tally(10).failures == ""


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first news and the last are told, those between every few seconds, with rate, time and failures."""
    now = [1000.0]
    monkeypatch.setattr("client.score.progress.time.monotonic", lambda: now[0])
    console, file = plain()
    progress = make_progress(console, 100)
    assert isinstance(progress, Lines)
    progress.start()
    for seconds, succeeded, failed in ((0, 0, 0), (1, 1, 0), (10, 18, 2), (12, 30, 2), (20, 98, 2)):
        now[0] = 1000.0 + seconds
        progress.update(tally(succeeded=succeeded, failed=failed))
    progress.stop()
    assert file.getvalue().splitlines() == [
        "100 clips; starting",
        "0 of 100 clips, 0 sent",
        "20 of 100 clips, 0 sent, 2.0 clips/s, about 40.0 s left, 2 failed (no_face_found 2)",
        "100 of 100 clips, 0 sent, 5.0 clips/s, about 0.00 s left, 2 failed (no_face_found 2)",
    ]


def test_what_had_ended_before_is_no_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that goes on measures its own rate."""
    now = [1000.0]
    monkeypatch.setattr("client.score.progress.time.monotonic", lambda: now[0])
    console, file = plain()
    progress = Lines(console, 100)
    progress.update(tally(succeeded=90))
    now[0] = 1010.0
    progress.update(tally(succeeded=95))
    assert file.getvalue().splitlines()[-1] == "95 of 100 clips, 0 sent, 0.5 clips/s, about 10.0 s left"


def test_a_terminal_gets_a_bar() -> None:
    """Clips, and failures by code, are drawn in place."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, force_interactive=True, width=120)
    progress = make_progress(console, 100)
    assert isinstance(progress, Bar)
    progress.start()
    progress.update(tally(succeeded=40, failed=2))
    progress.stop()
    progress.stop()
    drawn = file.getvalue()
    assert "42/100" in drawn
    assert "2 failed (no_face_found 2)" in drawn
    assert "sending" in drawn

"""What only a process of its own shows: signals, raw bytes, encodings."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from tests.unit.client.documents import make_document, make_failed, make_open
from tests.unit.client.runs import CANCEL_CALL, JOB_CALL, MP4_HEAD, Stack
from tests.unit.client.server import Answer

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_cancels_the_job(stack: Stack, clip: Path, number: signal.Signals) -> None:
    """An interrupted run cancels its job, says so, and ends with 130 and no traceback."""
    hold = threading.Event()
    running = make_open(status="running", stage="faces", progress=0.2)
    stack.server.on(JOB_CALL, Answer(body=running, headers={"ETag": '"1"'}), Answer(304, hold=hold))
    stack.server.on(CANCEL_CALL, Answer(body=running))
    with stack.start(clip) as process:
        stack.server.await_call(JOB_CALL)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    hold.set()
    assert process.returncode == 130
    assert out == b""
    assert b"Interrupted" in err
    assert b"Traceback" not in err
    assert len(stack.server.calls(CANCEL_CALL)) == 1


def test_ctrl_c_cancels_a_job_that_is_just_being_made(stack: Stack, clip: Path) -> None:
    """An interruption between request and answer leaves no job behind."""
    hold = threading.Event()
    stack.server.on("POST /predict", Answer(202, make_open(), hold=hold))
    stack.server.on(CANCEL_CALL, Answer(body=make_open()))
    with stack.start(clip) as process:
        stack.server.await_call("POST /predict")
        process.send_signal(signal.SIGINT)
        # The answer comes after the signal.
        threading.Timer(0.5, hold.set).start()
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert len(stack.server.calls(CANCEL_CALL)) == 1


def test_what_was_done_before_ctrl_c_is_kept(stack: Stack, clip: Path, voice: Path) -> None:
    """Results that came before the interruption are printed."""
    hold = threading.Event()
    stack.ends_with(make_document())
    stack.server.on("POST /upload/audio", Answer(201, {"id": "audio-1"}, hold=hold))
    with stack.start("--json", clip, voice) as process:
        stack.server.await_call(JOB_CALL)
        while process.stderr and b"clip.mp4: done" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    hold.set()
    assert process.returncode == 130
    assert json.loads(out) == make_document()


def test_any_name_will_do(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are found whatever their name, a name never reaches the terminal raw, and none is sent."""
    names = [
        b"with space.mp4",
        b'it\'s "quoted".mp4',
        b"two\nlines.mp4",
        "grinning \U0001f600.mp4".encode(),
        b"no \xff text.mp4",
        b"\x1b]0;owned\x07.mp4",
        b"[bold]markup[bold].mp4",
        b"--json",
    ]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(MP4_HEAD)
    stack.ends_with(make_failed("no_face_found", "No face."))
    monkeypatch.chdir(tmp_path)
    with stack.start("--", *names, PYTHONPATH=str(ROOT)) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, b"")
    assert not set(b"\x1b\x07\xff") & set(err)
    assert b"Traceback" not in err
    told = [line for line in err.decode().splitlines() if line.endswith(": no_face_found: No face.")]
    assert [line.partition(": no_face")[0] for line in told] == [
        "with space.mp4",
        'it\'s "quoted".mp4',
        "two\\nlines.mp4",
        "grinning \U0001f600.mp4",
        "no \\xff text.mp4",
        "\\x1b]0;owned\\x07.mp4",
        "[bold]markup[bold].mp4",
        "--json",
    ]
    sent = b"".join(repr(seen).encode() for seen in stack.server.calls("POST /upload/video"))
    assert b"quoted" not in sent


def test_an_ascii_terminal_is_no_obstacle(stack: Stack, clip: Path) -> None:
    """Where stdout takes ASCII only, the result is printed all the same."""
    stack.ends_with(make_document())
    with stack.start(clip, PYTHONIOENCODING="ascii") as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"happiness  72%" in out
    assert out.isascii()

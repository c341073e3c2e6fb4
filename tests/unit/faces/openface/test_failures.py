from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared.errors import ErrorCode, TransientError
from tests.processes import is_gone
from tests.unit.faces.openface.installs import BEGUN, SUCCESS, FakeInstall
from tests.unit.faces.openface.tables import table


@pytest.mark.parametrize(
    ("case", "exit_code", "number", "code"),
    [
        ("garbage", 0, 0, ErrorCode.ANALYZER_UNAVAILABLE),
        ("missing", 0, 0, ErrorCode.ANALYZER_UNAVAILABLE),
        ("nocen", 1, 0, ErrorCode.ANALYZER_UNAVAILABLE),
        ("zero_frames", 139, 0, ErrorCode.MEDIA_UNREADABLE),
        ("zero_frames", 0, signal.SIGSEGV, ErrorCode.MEDIA_UNREADABLE),
    ],
)
def test_recorded_failures_are_typed(
    install: FakeInstall, case: str, exit_code: int, number: int, code: ErrorCode
) -> None:
    """What the real program said when it failed is understood, also where it failed with exit code 0."""
    install.play_recorded(case, exit_code=exit_code, signal=number)

    assert install.refusal().code is code


@pytest.mark.parametrize(
    ("stdout", "stderr", "ended", "code"),
    [
        (b"", b"", 0, ErrorCode.ANALYZER_UNAVAILABLE),
        (b"Failed to open the video file at location: segment.mp4\n", b"", 0, "analyzer_unavailable"),
        (b"\nERROR: Could not load the landmark detector\n", b"", 1, ErrorCode.ANALYZER_UNAVAILABLE),
        (b"WARNING: no Action Unit models found\n", b"", -signal.SIGABRT, ErrorCode.ANALYZER_UNAVAILABLE),
        (SUCCESS, b"", -signal.SIGSEGV, ErrorCode.MEDIA_UNREADABLE),
        (
            BEGUN,
            b"what(): filesystem error: cannot create",
            -signal.SIGABRT,
            "analyzer_unavailable",
        ),
        (BEGUN, b"instance of 'std::length_error'", -signal.SIGABRT, ErrorCode.MEDIA_UNREADABLE),
        (BEGUN, b"", -signal.SIGSEGV, ErrorCode.MEDIA_UNREADABLE),
        (BEGUN, b"", -signal.SIGKILL, ErrorCode.OUT_OF_MEMORY),
        (BEGUN, b"", 0, ErrorCode.ANALYZER_UNAVAILABLE),
        (b"\xff\0\x1b[2J" * 100_000, b"\xff" * 100_000, 3, ErrorCode.ANALYZER_UNAVAILABLE),
    ],
)
def test_each_way_to_end_is_typed(
    install: FakeInstall, stdout: bytes, stderr: bytes, ended: int, code: ErrorCode | str
) -> None:
    """Without a table, no exit code, signal or word ends in anything but a typed error."""
    install.play(stdout=stdout, stderr=stderr, exit_code=max(ended, 0), signal=max(-ended, 0))

    assert install.refusal().code is (ErrorCode.of(code) if isinstance(code, str) else code)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_table_of_a_run_that_failed_is_not_used(install: FakeInstall, number: int) -> None:
    """A whole table does not count where the program crashed behind it."""
    install.play(table=table(20), signal=number)

    assert install.refusal().code in (ErrorCode.MEDIA_UNREADABLE, ErrorCode.OUT_OF_MEMORY)


def test_a_crash_is_told_before_its_broken_table(install: FakeInstall) -> None:
    """What a crash leaves in the table is not looked at, and hides nothing."""
    install.play(stdout=BEGUN, table=b"\0" * 1000, signal=signal.SIGSEGV)

    assert install.refusal().code is ErrorCode.MEDIA_UNREADABLE


def test_table_that_was_being_written_is_not_used(install: FakeInstall) -> None:
    """A run that was told to stop left numbers that are not final; the work may be tried again."""
    install.play(stdout=BEGUN, table=table(20)[:-50], signal=signal.SIGTERM)

    with pytest.raises(TransientError):
        install.analyze(20)


def test_rows_without_the_closing_lines_are_not_used(install: FakeInstall) -> None:
    """Exit code 0 and a whole table are not enough."""
    install.play(stdout=BEGUN, table=table(20))

    assert install.refusal().code is ErrorCode.MEDIA_UNREADABLE


@pytest.mark.parametrize("content", [b"", b"\0" * 1000, table(20)[:50], table(0)])
def test_a_broken_table_is_typed(install: FakeInstall, content: bytes) -> None:
    """A success whose table is none is no success."""
    install.play(table=content)

    assert install.refusal().code in (ErrorCode.ANALYZER_UNAVAILABLE, ErrorCode.MEDIA_UNREADABLE)


def test_a_run_that_hangs_is_ended_with_all_it_started(install: FakeInstall) -> None:
    """A program deaf to polite signals is killed at the stage's limit, and its children with it."""
    install.play(deed="hang", stdout=BEGUN)

    error = install.refusal(settings=install.settings(stage_time_limit_s=2))

    assert error.code is ErrorCode.TIMEOUT
    assert all(is_gone(pid) for pid in json.loads((install.folder / "pids.json").read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_run_dies_with_its_worker(install: FakeInstall) -> None:
    """A worker that is killed leaves no OpenFace behind."""
    install.play(deed="hang", stdout=BEGUN)
    code = (
        "from pathlib import Path; from tests.unit.faces.openface.installs import FakeInstall;"
        f"FakeInstall(Path({str(install.folder)!r}), Path({str(install.scratch)!r})).analyze(20)"
    )
    pids = install.folder / "pids.json"
    with subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[4]) as worker:
        while worker.poll() is None and not pids.exists():
            time.sleep(0.1)
        worker.kill()
    openface, child = json.loads(pids.read_text())
    os.kill(child, signal.SIGKILL)

    assert is_gone(openface)
    # Nobody was left to do it.
    shutil.rmtree(install.scratch)


def test_a_run_that_takes_too_much_memory_is_typed(install: FakeInstall) -> None:
    """Address space beyond the setting is not given."""
    install.play(deed="take_memory", table=table(20))

    error = install.refusal(settings=install.settings(openface_memory_mb=700))

    assert error.code is ErrorCode.OUT_OF_MEMORY
    assert install.call()["limits"]["RLIMIT_AS"] == 700 * 1024**2


def test_a_run_that_fills_the_disk_is_ended(install: FakeInstall) -> None:
    """A table that grows without end is stopped at a size that no real one has."""
    install.play(deed="fill_disk")

    assert install.refusal().code is ErrorCode.ANALYZER_UNAVAILABLE


def test_a_program_of_another_system_is_typed(install: FakeInstall) -> None:
    """A file that may be executed and is no program gives a typed error."""
    (install.folder / "FeatureExtraction").write_bytes(b"MZ\x90\0" + bytes(100))

    assert install.refusal().code is ErrorCode.ANALYZER_UNAVAILABLE


def test_a_program_of_another_system_is_typed_without_stdbuf(
    install: FakeInstall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same holds where nothing stands between."""
    monkeypatch.setenv("PATH", "")
    (install.folder / "FeatureExtraction").write_bytes(b"MZ\x90\0" + bytes(100))

    assert install.refusal().code is ErrorCode.ANALYZER_UNAVAILABLE

"""Folders that last as long as a process, and what becomes of those of killed ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.scratch import kept_folder

PREFIX = "avemotion-test-"
# Makes a folder, forks a child that waits, tells both, and waits for the end of its input.
HOLDER = """
import os, sys, time
from pathlib import Path
from shared.scratch import kept_folder
folder = kept_folder("avemotion-test-", Path(sys.argv[1]))
child = os.fork()
if child == 0:
    time.sleep(600)
    os._exit(0)
print(folder, child, flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(place: Path) -> Iterator[tuple[subprocess.Popen[str], Path, int]]:
    """Run a process with a folder and a forked child."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        folder, child = process.stdout.readline().split()
        try:
            yield process, Path(folder), int(child)
        finally:
            process.kill()
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)


def test_a_folder_is_private_and_its_owners(tmp_path: Path) -> None:
    """Each process gets a folder of its own that nobody else may read."""
    first, second = kept_folder(PREFIX, tmp_path), kept_folder(PREFIX, tmp_path)

    assert set(tmp_path.iterdir()) == {first, second}
    assert first.stat().st_mode & 0o077 == 0


def test_the_folder_of_a_killed_process_goes_when_the_next_starts(tmp_path: Path) -> None:
    """A folder stays while its process or a child of it runs, and goes when all of them were killed."""
    with holder(tmp_path) as (process, folder, child):
        (folder / "counts.db").write_bytes(b"0")
        mine = kept_folder(PREFIX, tmp_path)
        assert folder.exists()

        process.kill()
        process.wait()
        another = kept_folder(PREFIX, tmp_path)
        assert folder.exists()

        os.kill(child, signal.SIGKILL)
        # The lock goes with the last process that has the folder open, which may take a moment.
        while folder.exists():
            last = kept_folder(PREFIX, tmp_path)

    assert {mine, another, last} <= set(tmp_path.iterdir())


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    """Neither a folder of another name goes nor what a link leads to."""
    other, link = tmp_path / "other", tmp_path / f"{PREFIX}link"
    other.mkdir()
    link.symlink_to(other)

    folder = kept_folder(PREFIX, tmp_path)

    assert set(tmp_path.iterdir()) == {other, link, folder}

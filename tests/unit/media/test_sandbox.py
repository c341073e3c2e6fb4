from __future__ import annotations

import mmap
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from shared.errors import AvemotionError, ErrorCode
from tests.processes import is_gone
from worker.media.confinement import NOTHING, Reach
from worker.media.limits import address_space_bytes
from worker.media.sandbox import MAX_REPLY_BYTES, MIB, run_limited


def run(
    function: Any, *args: Any, memory_mb: int = 512, time_limit_s: float = 30, reach: Reach = NOTHING
) -> Any:
    return run_limited(function, *args, memory_mb=memory_mb, time_limit_s=time_limit_s, reach=reach)


def code_of(function: Any, *args: Any, **limits: Any) -> ErrorCode:
    with pytest.raises(AvemotionError) as caught:
        run(function, *args, **limits)
    return caught.value.code


@pytest.fixture(autouse=True)
def nothing_left() -> Any:
    """Hold every test to leaving no child, zombie or file behind."""
    process = psutil.Process()
    files = process.num_fds()
    # Servers of other tests may run on.
    before = process.children()
    yield
    assert [child for child in process.children() if child not in before] == []
    assert process.num_fds() == files


def test_result() -> None:
    """run_limited returns what the function returns, as JSON brings it."""
    assert run(lambda a, b: {"sum": a + b, "pair": (a, None)}, 1, 2.5) == {"sum": 3.5, "pair": [1, None]}


def test_typed_error() -> None:
    """An AvemotionError of the function comes out with its code and sentence."""

    def refuse() -> None:
        raise AvemotionError(ErrorCode.MEDIA_TOO_LONG, "Too long by far.")

    with pytest.raises(AvemotionError, match="Too long by far") as caught:
        run(refuse)
    assert caught.value.code is ErrorCode.MEDIA_TOO_LONG


def test_unforeseen_error() -> None:
    """Any other exception is unreadable media, with the child's trace as the cause."""
    with pytest.raises(AvemotionError) as caught:
        run(lambda: 1 / 0)
    assert caught.value.code is ErrorCode.MEDIA_UNREADABLE
    assert "ZeroDivisionError" in str(caught.value.__cause__)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_crash(number: signal.Signals) -> None:
    """A child that crashes is unreadable media."""
    assert code_of(lambda: os.kill(os.getpid(), number)) is ErrorCode.MEDIA_UNREADABLE


def test_exit() -> None:
    """A child that leaves by itself without a word is unreadable media."""
    assert code_of(lambda: os._exit(0)) is ErrorCode.MEDIA_UNREADABLE


def test_memory() -> None:
    """A child may map as much as it was given beyond what its parent had, and no more."""
    assert run(lambda: len(bytearray(64 * MIB)), memory_mb=256) == 64 * MIB
    assert code_of(lambda: len(bytearray(2048 * MIB)), memory_mb=256) is ErrorCode.OUT_OF_MEMORY


def test_killed_for_memory() -> None:
    """A child that the kernel kills ran out of memory."""
    assert code_of(lambda: os.kill(os.getpid(), signal.SIGKILL)) is ErrorCode.OUT_OF_MEMORY


def test_time() -> None:
    """A child that hangs, deaf to signals, is ended by the wall clock."""

    def hang() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        time.sleep(3600)

    assert code_of(hang, time_limit_s=0.5) is ErrorCode.TIMEOUT


def test_grandchildren() -> None:
    """What the child starts goes with it."""
    shared = mmap.mmap(-1, 8)

    def start() -> None:
        grandchild = os.fork()
        if grandchild:
            shared.write(grandchild.to_bytes(8))
        time.sleep(3600)

    assert code_of(start, time_limit_s=0.5, reach=Reach(may_fork=True)) is ErrorCode.TIMEOUT
    assert is_gone(int.from_bytes(shared[:8]))


def test_checkpoint() -> None:
    """An exception of the checkpoint ends the child and comes out as it is."""
    asked: list[float] = []

    def cancel() -> None:
        asked.append(time.monotonic())
        if len(asked) > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_limited(time.sleep, 3600, memory_mb=512, time_limit_s=60, checkpoint=cancel)


def test_limits() -> None:
    """The child can write no file, dump no core, open few files and use little more than its time."""

    def limits() -> list[tuple[int, int]]:
        names = (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_NOFILE, resource.RLIMIT_CPU)
        return [resource.getrlimit(name) for name in names]

    assert run(limits, time_limit_s=10) == [[0, 0], [0, 0], [64, 64], [40, 40]]


def test_no_file_is_written(tmp_path: Path) -> None:
    """Hostile code in the child cannot fill the disk."""
    target = tmp_path / "file"
    anything = Reach(files=None, may_write=True)
    assert code_of(target.write_bytes, b"x" * 100, reach=anything) is ErrorCode.MEDIA_UNREADABLE
    assert target.stat().st_size == 0


def test_no_inherited_files(tmp_path: Path) -> None:
    """The child sees none of the parent's files or connections, and prints to nobody."""
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)  # noqa: FBT003 - its name says what
        links = run(
            lambda: [str(fd.readlink()) for fd in Path("/proc/self/fd").iterdir() if fd.exists()],
            reach=Reach(None),
        )
    assert [link for link in links if not link.startswith(("/dev/null", "pipe:"))] == []
    assert sum(link == "/dev/null" for link in links) == 3


def test_parents_handlers_are_forgotten() -> None:
    """A handler of the parent does not run in the child."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        assert code_of(lambda: os.kill(os.getpid(), signal.SIGTERM)) is ErrorCode.MEDIA_UNREADABLE
    finally:
        signal.signal(signal.SIGTERM, before)


def test_threads() -> None:
    """Work goes on, again and again, while the parent has busy threads."""
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            sorted(str(n) for n in range(1000))

    threads = [threading.Thread(target=busy) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        assert [run(lambda k=k: k) for k in range(20)] == list(range(20))
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_from_a_thread() -> None:
    """A thread other than the main one may ask, too."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(run(lambda: "done")))
    thread.start()
    thread.join()
    assert results == ["done"]


def test_reply_too_large() -> None:
    """A reply beyond the limit is refused and not read."""
    assert code_of(lambda: "x" * (MAX_REPLY_BYTES + 1)) is ErrorCode.MEDIA_UNREADABLE


@pytest.mark.parametrize("reply", [b"not JSON", b"[]", b'{"error": 1}', b"[" * 100_000])
def test_forged_reply(reply: bytes) -> None:
    """A taken-over child that writes what it likes into the pipe gets no further than a typed error."""

    def forge() -> None:
        os.write(3, len(reply).to_bytes(8) + reply)
        os._exit(0)

    assert code_of(forge) is ErrorCode.MEDIA_UNREADABLE


def test_dies_with_its_parent() -> None:
    """When the parent is killed outright, the child does not live on."""
    script = (
        "import os, time; import worker.media.sandbox as sandbox\n"
        "sandbox._keep_only = lambda reply_to: os.dup2(reply_to, 3)\n"
        "def work(): os.write(1, b'%d' % os.getpid()); time.sleep(3600)\n"
        "sandbox.run_limited(work, memory_mb=512, time_limit_s=3600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(os.read(parent.stdout.fileno(), 20))
        parent.kill()
    assert is_gone(child)


def test_address_space() -> None:
    """address_space_bytes grows with what is mapped."""
    before = address_space_bytes()
    with mmap.mmap(-1, 64 * MIB):
        assert address_space_bytes() - before == 64 * MIB

from __future__ import annotations

import ctypes
import errno
import os
import pkgutil
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import pytest

from shared.errors import AvemotionError, ErrorCode
from tests import media_factory as make
from worker.media.confinement import NOTHING, Reach, confine_this_process
from worker.media.libraries import reach_of
from worker.media.measures import measures
from worker.media.probe import probe
from worker.media.sandbox import MIB, run_limited

MEASURES = measures()


def needs(name: str) -> pytest.MarkDecorator:
    """Skip where the system refuses a measure."""
    return pytest.mark.skipif(MEASURES[name] is not None, reason=f"{name} is off: {MEASURES[name]}")


def confined(function: Callable[[], Any], **limits: Any) -> Any:
    """Return what a function returns in a confined child, or the number of the system's refusal."""

    def attempt() -> Any:
        try:
            return function()
        except OSError as error:
            return f"refused: {errno.errorcode[error.errno or 0]}"

    return run_limited(attempt, **{"memory_mb": 512, "time_limit_s": 20.0, **limits})


def fork() -> str:
    """Start a process; it ends at once where that is possible."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "done"


def signal_parent() -> str:
    os.kill(os.getppid(), 0)
    return "done"


def read_parent() -> str:
    Path(f"/proc/{os.getppid()}/environ").read_bytes()
    return "done"


def trace_parent() -> str:
    attach = 16
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(attach, os.getppid(), None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return "done"


def done(function: Callable[..., Any], *args: Any) -> Callable[[], str]:
    def act() -> str:
        function(*args)
        return "done"

    return act


ACTS: dict[str, tuple[str, Callable[[Path], Callable[[], str]]]] = {
    "open a socket": ("seccomp", lambda _: done(socket.socket)),
    "open a pair of sockets": ("seccomp", lambda _: done(socket.socketpair)),
    "start a process": ("seccomp", lambda _: fork),
    "execute a program": ("seccomp", lambda _: done(os.execv, "/bin/true", ["true"])),
    "signal its parent": ("seccomp", lambda _: signal_parent),
    "trace its parent": ("seccomp", lambda _: trace_parent),
    "write a file": ("seccomp", lambda folder: done((folder / "new").write_bytes, b"")),
    "empty a file": ("seccomp", lambda folder: done(os.truncate, folder / "precious", 0)),
    "remove a file": ("seccomp", lambda folder: done((folder / "precious").unlink)),
    "rename a file": ("seccomp", lambda folder: done((folder / "precious").rename, folder / "other")),
    "link a file": ("seccomp", lambda folder: done(os.link, folder / "precious", folder / "other")),
    "make a folder": ("seccomp", lambda folder: done((folder / "new").mkdir)),
    "change a mode": ("seccomp", lambda folder: done((folder / "precious").chmod, 0o777)),
    "read a file": ("Landlock", lambda folder: done((folder / "precious").read_bytes)),
    "list a folder": ("Landlock", lambda folder: done(os.listdir, folder)),
    "read its parent's environment": (
        "Landlock",
        lambda _: read_parent,
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file that a hostile process would like to have."""
    (tmp_path / "precious").write_bytes(b"a face and a voice")
    return tmp_path


@pytest.mark.parametrize(
    "act", [pytest.param(name, marks=needs(measure)) for name, (measure, _) in ACTS.items()]
)
def test_what_no_decoder_needs_is_refused(folder: Path, act: str) -> None:
    """A child that reads media cannot do it, goes on living, and nothing has changed."""
    assert confined(ACTS[act][1](folder)) in {"refused: EPERM", "refused: EACCES"}
    assert [path.name for path in folder.iterdir()] == ["precious"]
    assert (folder / "precious").read_bytes() == b"a face and a voice"


def test_what_is_tried_is_possible_outside(folder: Path) -> None:
    """The same acts succeed in a process that is not confined: it is not for other reasons that they fail."""
    for name in ("open a socket", "start a process", "empty a file", "rename a file", "list a folder"):
        assert ACTS[name][1](folder)() == "done", name


@needs("seccomp")
def test_limits_cannot_be_raised() -> None:
    """A child of root, too, keeps its limits."""

    def more() -> str:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1000))
        except (OSError, ValueError):
            return "refused"
        return "done"

    assert confined(more) == "refused"


def test_ten_gigabytes() -> None:
    """A child that asks for 10 GB is out of memory; the machine is not."""
    with pytest.raises(AvemotionError) as caught:
        confined(lambda: len(bytearray(10_000 * MIB)))
    assert caught.value.code is ErrorCode.OUT_OF_MEMORY


def test_ten_thousand_files(folder: Path) -> None:
    """A child that opens what it may, again and again, is refused soon."""

    def hoard() -> int:
        for count in range(10_000):
            try:
                os.open(folder / "precious", os.O_RDONLY)
            except OSError as error:
                return count if error.errno == errno.EMFILE else -1
        return 10_000

    assert 0 < confined(hoard, reach=Reach((folder / "precious",))) < 64


def test_threads_are_allowed() -> None:
    """A decoder may use threads."""

    def work() -> list[int]:
        found: list[int] = []
        thread = threading.Thread(target=found.append, args=(1,))
        thread.start()
        thread.join()
        return found

    assert confined(work) == [1]


def test_processor_time_is_limited_without_the_parent() -> None:
    """A child that burns processor time ends by itself, should nobody be there to look at the clock."""
    script = (
        "from worker.media.confinement import NOTHING, confine_this_process\n"
        "confine_this_process(NOTHING, memory_bytes=2**33, time_limit_s=0.1)\n"
        "while True: pass\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert ended.returncode in {-signal.SIGKILL, -signal.SIGXCPU}


def shell(script: str, reach: Reach) -> subprocess.CompletedProcess[bytes]:
    """Run a shell where FFmpeg would run."""

    def prepare() -> None:
        confine_this_process(reach, memory_bytes=1024 * MIB, time_limit_s=20)

    command = [str(shutil.which("bash")), "-c", script]
    return subprocess.run(command, capture_output=True, check=False, preexec_fn=prepare, timeout=60)


@pytest.mark.skipif(
    shutil.which("bash") is None, reason="no bash, which plays the program that is taken over"
)
@pytest.mark.parametrize(
    ("measure", "script"),
    [
        ("Landlock", "exec /bin/true"),
        ("Landlock", "read line < precious && echo read"),
        ("seccomp", "true | true; (true)"),
        ("seccomp", "echo new > new"),
        ("seccomp", "echo more >> precious"),
        ("seccomp", "exec 3<>/dev/tcp/127.0.0.1/9"),
        ("seccomp", "kill -0 $PPID"),
        ("seccomp", "ulimit -n 1000"),
    ],
)
def test_a_program_that_decodes_is_confined_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, measure: str, script: str
) -> None:
    """A program of its own, as FFmpeg is one, starts, and can no more than decode its input."""
    if MEASURES[measure] is not None:
        pytest.skip(f"{measure} is off")
    monkeypatch.chdir(folder)
    reach = reach_of(str(shutil.which("bash")), "-c", "exit")
    assert reach.files is not None

    assert shell("echo alive", reach).stdout == b"alive\n"
    ended = shell(script, reach)

    assert ended.returncode != 0
    assert b"not permitted" in ended.stderr or b"ermission denied" in ended.stderr
    assert [path.name for path in folder.iterdir()] == ["precious"]
    assert (folder / "precious").read_bytes() == b"a face and a voice"


REFUSING = """
import ctypes, errno, struct, sys
from pathlib import Path
from worker.media import system_calls as calls
from worker.media.confinement import give_up_privileges
from worker.media.libc import LIBC

# What a container's own filter may do: no Landlock, no seccomp, no close_range.
seccomp = [calls._argument(0), (calls._EQUAL, 0, 1, 22), calls._refuse(), calls._ALLOW]
rules = calls._rule(157 if sys.argv[1] == "x86_64" else 167, seccomp)
for number in (436, 444, 445, 446):
    rules += calls._rule(number, [calls._refuse(errno.ENOSYS)])
code = calls._start() + calls._packed([*rules, calls._ALLOW])
give_up_privileges()
program = calls._Program(len(code) // 8, code)
assert LIBC.prctl(22, 2, ctypes.byref(program), 0, 0) == 0

from worker.media.frames import read_frames
from worker.media.measures import measures
from worker.media.probe import probe

off = measures()
assert off["seccomp"] and off["Landlock"], off
info = probe(Path(sys.argv[2]), "mov", max_pixels=10**8, max_duration_s=60, memory_mb=1024, time_limit_s=60)
span = {"start_s": 0, "end_s": 1, "fps": 25, "max_side": 64}
pictures = read_frames(Path(sys.argv[2]), info, **span, memory_mb=1024, time_limit_s=60)
print(info.frame_count, len(list(pictures)))
"""


@needs("seccomp")
def test_where_the_system_refuses_media_are_read_all_the_same(tmp_path: Path) -> None:
    """Within a filter that forbids the measures they are off, say why, and a clip is probed and decoded."""
    clip = make.video(tmp_path / "clip.mp4", frames=10)
    command = [sys.executable, "-c", REFUSING, os.uname().machine, str(clip)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.stdout == "10 10\n", ended.stderr


def test_media_with_streams_that_nobody_wants_are_read(tmp_path: Path) -> None:
    """Subtitles and attachments beside the picture are no reason to open anything else."""
    clip, text, film = make.video(tmp_path / "clip.mp4", frames=10), tmp_path / "a.srt", tmp_path / "a.mkv"
    text.write_text("1\n00:00:00,000 --> 00:00:00,300\nHello\n", encoding="utf-8")
    sources = ["-i", clip, "-i", text, "-attach", text, "-metadata:s:t", "mimetype=text/plain"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *sources, "-c:v", "copy", "-c:s", "srt", film]
    subprocess.run(command, check=True)

    info = probe(film, "matroska", max_pixels=10**6, max_duration_s=60, memory_mb=512, time_limit_s=30)

    assert info.frame_count == 10


def test_the_probe_has_imported_what_it_may_need() -> None:
    """Of PyAV, whose modules a child cannot import any more, none is missing but its examples."""
    names = {module.name for module in pkgutil.walk_packages(av.__path__, "av.")}
    assert names - {"av.__main__", "av.datasets"} <= sys.modules.keys()


def test_measures_are_told_by_name() -> None:
    """Each measure is on, or says why it is off."""
    assert set(MEASURES) == {"no new privileges", "Landlock", "seccomp"}
    assert all(why is None or why for why in MEASURES.values())


def test_nothing_is_the_usual_reach() -> None:
    """Whoever asks for nothing gets nothing."""
    assert Reach(files=(), may_execute=False, may_fork=False, may_write=False) == NOTHING

"""Run FFmpeg as a confined child that sees one open file and nothing else, and read what it decodes."""

from __future__ import annotations

import errno
import fcntl
import math
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

import imageio_ffmpeg

from shared.errors import AvemotionError, ErrorCode
from worker.media.confinement import Reach, confine_this_process
from worker.media.libraries import reach_of
from worker.media.limits import kill_group, signals_held, starting
from worker.media.sandbox import MIB, TICK_S

_CHECK_EVERY_S = 0.25
_PIPE_BYTES = MIB
_COMPLAINT_BYTES = 4096
_EXIT_WAIT_S = 5.0
# Nothing of this process's environment, which holds addresses and keys, and one arena of address space.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1"}

# What FFmpeg says when address space runs out: for data, for the stack of a thread, for a picture.
_NO_MEMORY = (os.strerror(errno.ENOMEM), os.strerror(errno.EAGAIN), "get_buffer() failed")
_TOO_SLOW = "Decoding the media took longer than allowed."


def decode(  # noqa: PLR0913 - each limit is named.
    path: Path,
    demuxer: str,
    *,
    input_options: Sequence[str],
    output_options: Sequence[str],
    piece_bytes: int,
    memory_mb: int,
    time_limit_s: float,
    checkpoint: Callable[[], None],
) -> Iterator[bytearray]:
    """Yield what FFmpeg makes of a file, in pieces of ``piece_bytes``; the last may be shorter.

    FFmpeg is told the demuxer, gets the file as its standard input and may open nothing else. It is
    gone, whatever happens, when the iterator ends, raises or is closed.

    Args:
        path: The file.
        demuxer: The one demuxer that may open it.
        input_options: FFmpeg's options that stand before the input.
        output_options: Those that stand behind it, down to the output's format.
        piece_bytes: Size of a piece.
        memory_mb: Address space of FFmpeg.
        time_limit_s: How long, in all, FFmpeg may keep the caller waiting.
        checkpoint: Called a few times a second while pieces are asked for; may raise to abort.

    Raises:
        AvemotionError: `MEDIA_UNREADABLE` if FFmpeg crashes or can make nothing of the file,
            `OUT_OF_MEMORY`, `TIMEOUT`.
        TransientError: The machine has no room for another process now.
    """
    program = imageio_ffmpeg.get_ffmpeg_exe()
    command = [
        *(program, "-hide_banner", "-nostdin", "-loglevel", "error"),
        *("-threads", "1", *input_options),
        *("-protocol_whitelist", "fd", "-format_whitelist", demuxer, "-f", demuxer, "-fd", "0", "-i", "fd:"),
        *("-threads", "1", "-filter_threads", "1", *output_options, "pipe:1"),
    ]
    reach = reach_of(program, "-version")
    with _running(command, path, reach, memory_mb, time_limit_s) as process:
        complaint, count = yield from _pieces(process, piece_bytes, time_limit_s, checkpoint)
        _judge(process, complaint, is_empty=count == 0)


@contextmanager
def _running(
    command: list[str], path: Path, reach: Reach, memory_mb: int, time_limit_s: float
) -> Iterator[subprocess.Popen[bytes]]:
    """Start FFmpeg in a session of its own, under limits; kill it and what it started at the end."""

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        confine_this_process(reach, memory_bytes=memory_mb * MIB, time_limit_s=time_limit_s)

    process = None
    try:
        with path.open("rb") as source, signals_held(), starting():
            process = subprocess.Popen(  # noqa: S603 - every argument is ours; the file comes as stdin.
                command,
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=_ENVIRONMENT,
                start_new_session=True,
                # Runs between fork and exec and takes no lock: the limits hold from the first instruction.
                preexec_fn=prepare,  # noqa: PLW1509
            )
        _widen(process)
        yield process
    finally:
        if process is not None:
            if process.poll() is None:
                kill_group(process.pid)
            # Closes the pipes and reaps.
            with process:
                pass


def _widen(process: subprocess.Popen[bytes]) -> None:
    """Let the pipe hold more than a picture, where the system has that and room for it."""
    with suppress(OSError, AttributeError):
        fcntl.fcntl(cast("IO[bytes]", process.stdout), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _pieces(
    process: subprocess.Popen[bytes], piece_bytes: int, time_limit_s: float, checkpoint: Callable[[], None]
) -> Generator[bytearray, None, tuple[str, int]]:
    """Yield the output in pieces; return the end of what FFmpeg complained of, and how many bytes came."""
    out, err = (cast("IO[bytes]", pipe).fileno() for pipe in (process.stdout, process.stderr))
    poll = select.poll()
    still_open = {out, err}
    for pipe in still_open:
        poll.register(pipe, select.POLLIN)
    piece, filled, complaint = bytearray(piece_bytes), 0, b""
    total, waited_s, checked_at = 0, 0.0, -math.inf
    while still_open:
        asked_at = time.monotonic()
        if asked_at - checked_at > _CHECK_EVERY_S:
            checkpoint()
            checked_at = asked_at
        for pipe, _ in poll.poll(TICK_S * 1000):
            if pipe == out:
                count = os.readv(out, [memoryview(piece)[filled:]])
                filled, total = filled + count, total + count
            else:
                said = os.read(err, _COMPLAINT_BYTES)
                count = len(said)
                complaint = (complaint + said)[-_COMPLAINT_BYTES:]
            if count == 0:
                poll.unregister(pipe)
                still_open.remove(pipe)
        waited_s += time.monotonic() - asked_at
        if waited_s > time_limit_s:
            raise AvemotionError(ErrorCode.TIMEOUT, _TOO_SLOW)
        if filled == piece_bytes:
            yield piece
            piece, filled = bytearray(piece_bytes), 0
    if filled:
        yield piece[:filled]
    return complaint.decode(errors="replace"), total


def _judge(process: subprocess.Popen[bytes], complaint: str, *, is_empty: bool) -> None:
    """Raise if FFmpeg ended badly; damage that left something to show is no error."""
    try:
        status = process.wait(_EXIT_WAIT_S)
    except subprocess.TimeoutExpired as error:
        raise AvemotionError(ErrorCode.TIMEOUT, _TOO_SLOW) from error
    cause = RuntimeError(f"ffmpeg ended with {status}: {complaint}")
    failed = status > 0 or is_empty
    # Nobody else kills a child this way but the kernel, for want of memory.
    if status == -signal.SIGKILL or (failed and any(words in complaint for words in _NO_MEMORY)):
        raise AvemotionError(
            ErrorCode.OUT_OF_MEMORY, "Decoding the media needs more memory than allowed."
        ) from cause
    if status < 0 or (status > 0 and is_empty):
        raise AvemotionError(
            ErrorCode.MEDIA_UNREADABLE, "The media are damaged: this part of them cannot be decoded."
        ) from cause

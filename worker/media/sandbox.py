"""Run a function on hostile input in a child process that may crash, hang or swell without harm."""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

from shared.errors import AvemotionError, ErrorCode
from worker.media.confinement import NOTHING, Reach, confine_this_process
from worker.media.limits import address_space_bytes, kill_group, signals_held, starting

T = TypeVar("T")

MIB = 1024**2
MAX_REPLY_BYTES = MIB
TICK_S = 0.1
"""Pause between two looks at the child, the clock and the checkpoint."""

_LENGTH_BYTES = 8
_REPLY_FD = 3
_EXIT_NO_MEMORY = 66
_TRACE_CHARACTERS = 4000


def no_checkpoint() -> None:
    """Never abort: the checkpoint of work that nobody can cancel."""


def run_limited(
    function: Callable[..., T],
    *args: Any,
    memory_mb: int,
    time_limit_s: float,
    checkpoint: Callable[[], None] = no_checkpoint,
    reach: Reach = NOTHING,
) -> T:
    """Return ``function(*args)``, worked out in a forked child that has limits, no open files and no rights.

    The child is forked and not started by `multiprocessing`, which refuses to in a Celery pool process;
    what the function needs is imported already. The child dies with the thread that called.

    Args:
        function: What to run. Its result must be JSON (a tuple comes back as a list) of at most
            ``MAX_REPLY_BYTES``: the child is not trusted, so nothing from it is unpickled. The function
            must not log, import, or use connections: threads of the parent do not exist in the child,
            and a lock that one of them held at the fork stays locked there for ever.
        *args: Its arguments, of any kind.
        memory_mb: Address space beyond what this process has mapped already.
        time_limit_s: Wall clock.
        checkpoint: Called about ten times a second; whatever it raises ends the child and is passed on.
        reach: What the function may open.

    Raises:
        AvemotionError: The one that the function raised; `OUT_OF_MEMORY`, `TIMEOUT`, or
            `MEDIA_UNREADABLE` if the child crashed or the function raised anything else.
        TransientError: The machine has no room for another process now.
    """
    memory_bytes = address_space_bytes() + memory_mb * MIB
    reading, writing = os.pipe()
    pid, status = 0, 0
    with open(reading, "rb", 0) as reader, open(writing, "wb", 0) as writer:  # noqa: PTH123 - no paths
        try:
            with signals_held(), starting():
                pid = os.fork()
                if pid == 0:
                    _be_child(writing, reach, memory_bytes, time_limit_s, function, args)
            writer.close()
            reply = _receive(reader.fileno(), time.monotonic() + time_limit_s, checkpoint)
        finally:
            if pid > 0:
                # A child that is ending by itself keeps the status it has.
                kill_group(pid)
                with suppress(ChildProcessError):
                    _, status = os.waitpid(pid, 0)
    result: T = _unpack(reply, status)
    return result


def _be_child(  # noqa: PLR0913, PLR0917 - what `run_limited` has, and where to reply.
    reply_to: int,
    reach: Reach,
    memory_bytes: int,
    time_limit_s: float,
    function: Callable[..., Any],
    args: tuple[Any, ...],
) -> NoReturn:
    """Work, reply and end, without running any of the parent's exit handlers."""
    try:
        os.setsid()
        _forget_signals()
        # What the parent left to collect may close a file by a number that is another file's here.
        gc.freeze()
        _keep_only(reply_to)
        confine_this_process(reach, memory_bytes=memory_bytes, time_limit_s=time_limit_s)
        _send({"result": function(*args)})
    except MemoryError:
        os._exit(_EXIT_NO_MEMORY)
    except AvemotionError as error:
        _send({"error": error.code.code, "message": error.message})
    except BaseException:  # noqa: BLE001 - a child must not return into the parent's code.
        _send({"trace": traceback.format_exc()[-_TRACE_CHARACTERS:]})
    finally:
        os._exit(0)


def _forget_signals() -> None:
    """Drop the parent's handlers and let signals come again."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        # Some numbers belong to the C library.
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _keep_only(reply_to: int) -> None:
    """Close what the parent had open (database, broker, uploads); libraries may still print, to nobody."""
    os.dup2(reply_to, _REPLY_FD)
    nobody = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nobody, standard)
    os.closerange(_REPLY_FD + 1, os.sysconf("SC_OPEN_MAX"))


def _send(reply: dict[str, Any]) -> None:
    body = json.dumps(reply).encode()
    message = memoryview(len(body).to_bytes(_LENGTH_BYTES) + body)
    while message:
        message = message[os.write(_REPLY_FD, message) :]


def _receive(reader: int, deadline: float, checkpoint: Callable[[], None]) -> bytes | None:
    """Return the body of the child's message; None if it ended without a whole one."""
    received = bytearray()
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    while True:
        checkpoint()
        if time.monotonic() > deadline:
            raise AvemotionError(ErrorCode.TIMEOUT, "Reading the media took longer than allowed.")
        if not poll.poll(TICK_S * 1000):
            continue
        chunk = os.read(reader, 65536)
        received += chunk
        length = int.from_bytes(received[:_LENGTH_BYTES])
        if len(received) >= _LENGTH_BYTES and length > MAX_REPLY_BYTES:
            raise _unreadable() from RuntimeError(f"the child would say {length} bytes")
        if len(received) >= _LENGTH_BYTES + length and len(received) > _LENGTH_BYTES:
            return bytes(received[_LENGTH_BYTES : _LENGTH_BYTES + length])
        if not chunk:
            return None


def _unpack(reply: bytes | None, status: int) -> Any:
    """Return the result in a reply, or raise what became of the child instead."""
    if reply is None:
        no_memory = os.WIFEXITED(status) and os.WEXITSTATUS(status) == _EXIT_NO_MEMORY
        # Nobody else kills a child this way but the kernel, for want of memory.
        if no_memory or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            raise AvemotionError(ErrorCode.OUT_OF_MEMORY, "Reading the media needs more memory than allowed.")
        raise _unreadable() from RuntimeError(f"the child ended with wait status {status}")
    try:
        content = json.loads(reply)
    except (ValueError, RecursionError) as error:
        raise _unreadable() from error
    match content:
        case {"result": result}:
            return result
        case {"error": str(code), "message": str(message)}:
            raise AvemotionError(ErrorCode.of(code), message)
        case _:
            raise _unreadable() from RuntimeError(f"the child said {content}")


def _unreadable() -> AvemotionError:
    return AvemotionError(
        ErrorCode.MEDIA_UNREADABLE, "The media are damaged in a way that stops the decoder from reading them."
    )

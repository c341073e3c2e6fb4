"""Keeps the processes of a table running: starts them in order, restarts what dies, stops all."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from client.stack.child import Child
from client.stack.guardian import Guardian
from client.stack.process import Process
from shared.errors import AvemotionError, ErrorCode

TICK_S = 0.05

Say = Callable[[str, str], None]


@dataclass(frozen=True)
class Patience:
    """When to try again and when to give up; times in seconds."""

    first_delay_s: float = 0.2
    longest_delay_s: float = 5.0
    quick_death_s: float = 5.0
    most_quick_deaths: int = 6
    ready_limit_s: float = 60.0

    def delay_s(self, quick_deaths: int) -> float:
        """Return the pause before the next start, after ``quick_deaths`` in a row."""
        return min(self.first_delay_s * 2.0 ** max(0, quick_deaths - 1), self.longest_delay_s)


class Supervisor:
    """Runs a process table until it is told to stop or one of the processes cannot be kept up.

    One thread starts, watches and stops everything: the kernel ties a child's life to the thread that
    started it, so that thread lives as long as its children do.
    """

    def __init__(  # noqa: PLR0913 - all but two are named and optional
        self,
        processes: Sequence[Process],
        log_dir: Path,
        *,
        lock_fd: int | None = None,
        say: Say | None = None,
        on_change: Callable[[dict[str, int]], None] | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Prepare; ``start`` does the rest.

        Args:
            processes: The table, in no special order.
            log_dir: Existing folder that gets one ``NAME.log`` a process.
            lock_fd: Open locked file, kept locked until the last process has ended even if we are killed.
            say: Called with a process's name and a line, for its output and its restarts.
            on_change: Called with the ids of the running processes whenever they change.
            patience: When to try again and when to give up.
        """
        self._processes = processes
        self._log_dir = log_dir
        self._lock_fd = lock_fd
        self._say = say or (lambda _name, _line: None)
        self._on_change = on_change or (lambda _pids: None)
        self._patience = patience or Patience()
        self._children: list[Child] = []
        self._failure: BaseException | None = None
        self._stop = threading.Event()
        self._hurry = threading.Event()
        self._settled = threading.Event()
        # In place of Thread.join(), which when interrupted takes a living thread for an ended one
        # (Python before 3.13).
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start everything and return when all of it is ready.

        Raises:
            AvemotionError: A process could not be started or did not become ready; all are stopped.
        """
        self._thread.start()
        self._settled.wait()
        self.check()

    def check(self) -> None:
        """Raise the error that ended the supervision, if one did."""
        if self._failure is not None:
            self.stop()
            raise self._failure

    def wait(self) -> None:
        """Return when somebody called ``stop``; raise as ``check`` does."""
        self._ended.wait()
        self.check()

    def stop(self) -> None:
        """Stop everything and return when nothing is left; a second Ctrl-C cuts the grace short."""
        self._stop.set()
        while self._thread.ident is not None and not self._ended.is_set():
            try:
                self._ended.wait()
            except KeyboardInterrupt:
                self._hurry.set()

    def pids(self) -> dict[str, int]:
        """Return the id of each running process by name."""
        return {child.process.name: child.pid for child in self._children if child.pid is not None}

    def _run(self) -> None:
        guardian = Guardian(self._lock_fd)
        try:
            self._children = [Child(process, self._log_dir, guardian) for process in self._processes]
            self._supervise()
        except OSError as error:
            self._failure = AvemotionError(
                ErrorCode.SERVICE_UNAVAILABLE, f"The stack could not be kept running: {error}"
            )
        except BaseException as error:  # noqa: BLE001 - raised again by check() in the caller's thread
            self._failure = error
        finally:
            self._stop_all()
            guardian.close()
            self._ended.set()
            self._settled.set()

    def _supervise(self) -> None:
        pids: dict[str, int] = {}
        while not self._stop.wait(TICK_S):
            for child in self._children:
                self._advance(child)
                child.echo(self._say)
            if pids != self.pids():
                pids = self.pids()
                self._on_change(pids)
            if all(child.ready for child in self._children):
                self._settled.set()

    def _advance(self, child: Child) -> None:
        """Take the next step with one process, if there is one to take."""
        if child.done:
            return
        if child.pid is None:
            if time.monotonic() >= child.start_at and self._may_start(child):
                child.start()
            return
        status = child.poll()
        if status is not None:
            self._note_end(child, status)
        elif not child.ready and not child.process.once:
            self._ask_ready(child)

    def _may_start(self, child: Child) -> bool:
        ready = {other.process.name for other in self._children if other.ready}
        return ready.issuperset(child.process.after)

    def _ask_ready(self, child: Child) -> None:
        is_ready = child.process.is_ready
        child.ready = is_ready is None or is_ready()
        if not child.ready and time.monotonic() - child.started_at > self._patience.ready_limit_s:
            raise _error(child, f"was not ready after {self._patience.ready_limit_s:g} s")

    def _note_end(self, child: Child, status: int) -> None:
        """Note the end of a process: success, another try, or giving up."""
        name = child.process.name
        if child.process.once:
            if status != 0:
                raise _error(child, f"failed with exit status {status}")
            child.ready = child.done = True
            return
        patience = self._patience
        lived_s = time.monotonic() - child.started_at
        child.quick_deaths = child.quick_deaths + 1 if lived_s < patience.quick_death_s else 0
        if child.quick_deaths >= patience.most_quick_deaths:
            raise _error(child, f"died {child.quick_deaths} times in a row, last with exit status {status}")
        delay_s = patience.delay_s(child.quick_deaths)
        child.start_at = time.monotonic() + delay_s
        self._say(name, f"ended with exit status {status}; starting it again in {delay_s:g} s")

    def _stop_all(self) -> None:
        """Stop the ranks one after the other, each in good order first and then by force."""
        for rank in sorted({process.stop_rank for process in self._processes}):
            children = [child for child in self._children if child.process.stop_rank == rank]
            for child in children:
                child.ask_to_stop()
            asked_at = time.monotonic()
            while any(self._is_stopping(child, asked_at) for child in children):
                time.sleep(TICK_S)
            for child in children:
                child.kill()
                with contextlib.suppress(OSError):
                    child.echo(self._say)

    def _is_stopping(self, child: Child, asked_at: float) -> bool:
        in_grace = time.monotonic() - asked_at < child.process.grace_s and not self._hurry.is_set()
        return in_grace and child.pid is not None and child.poll() is None


def _error(child: Child, what: str) -> AvemotionError:
    """Return the error of a process that cannot be kept up, with the end of its log."""
    message = f"{child.process.name} {what}. Its log, {child.log_path}, ends with:\n{child.last_words()}"
    return AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message)

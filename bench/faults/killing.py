"""Faults: who is killed, how, and when it was back."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Self

import psutil

from bench.faults.leftovers import shared_memory_of
from bench.faults.plan import Plan
from bench.faults.service import Service

# What the run's table of faults calls them, and their processes.
VICTIMS = {
    "media worker": ("media", "express"),
    "inference worker": ("inference",),
    "API": ("api",),
    "janitor": ("janitor",),
    "Valkey": ("valkey",),
    "PostgreSQL": ("postgres",),
}
TICK_S = 0.1


class Way(Enum):
    """How a process is killed."""

    WHOLE = "all of it"
    """With its children, as a container is: nothing of it is left to react."""
    MAIN = "the main process alone"
    """Its children see their parent go, for as long as it takes the supervisor to notice."""
    CHILD = "one child"
    """As the kernel does for want of memory: the main process starts another."""
    EMPTIED = "all of it, and its data"
    """A broker that keeps nothing."""


DRAW = {Way.WHOLE: 5, Way.CHILD: 3, Way.MAIN: 2}


@dataclass
class Fault:
    """One fault.

    Attributes:
        at_s: When, since the start of the run.
        victim: One of ``VICTIMS``.
        process: Name of the process.
        way: How.
        pids: What was killed, the main process first unless it was spared.
        log_offset: Length of the process's log before.
        back_after_s: How long it was away; ``None`` while it is.
        main_pid: Of the main process that was there before.
        others: How many children there were.
    """

    at_s: float
    victim: str
    process: str
    way: Way
    main_pid: int
    others: int
    log_offset: int
    pids: list[int] = field(default_factory=list)
    back_after_s: float | None = None

    def __str__(self) -> str:
        """Return the fault as a line of the log."""
        back = "not back" if self.back_after_s is None else f"back after {self.back_after_s:.1f} s"
        killed = f"pid {self.pids[0]}" if len(self.pids) == 1 else f"pids {', '.join(map(str, self.pids))}"
        return f"{self.at_s:8.1f} s  {self.victim}: {self.process}, {self.way.value} ({killed}); {back}"


class Killer:
    """Strikes every so often from a thread of its own, while the ``with`` block runs."""

    def __init__(self, service: Service, plan: Plan, say: Callable[[str], None]) -> None:
        """Draw faults by the plan's seed; each is told by ``say`` when its victim is back."""
        self.faults: list[Fault] = []
        self.shared_memory: set[str] = set()
        self._service = service
        self._plan = plan
        self._draw = random.Random(plan.seed)  # noqa: S311 - no secret
        self._say = say
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="killer", daemon=True)
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        """Begin; the first fault comes after one pause."""
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Strike no more, and return when all victims are back or have had their time."""
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    @property
    def now_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def _run(self) -> None:
        try:
            next_s = self._plan.every_s
            while not self._stop.wait(TICK_S):
                self._look()
                if self.now_s >= next_s and not self._is_enough():
                    self._strike()
                    next_s += self._plan.every_s
            limit_s = self.now_s + 120
            while self._away() and self.now_s < limit_s:
                self._look()
                time.sleep(TICK_S)
            for fault in self._away():
                self._say(str(fault))
        except BaseException as error:  # noqa: BLE001 - raised again where the block ends
            self._failure = error

    def _is_enough(self) -> bool:
        most = self._plan.most_faults
        return most is not None and len(self.faults) >= most

    def _away(self) -> list[Fault]:
        return [fault for fault in self.faults if fault.back_after_s is None]

    def _look(self) -> None:
        for fault in self._away():
            if is_back(fault, self._service):
                fault.back_after_s = self.now_s - fault.at_s
                self._say(str(fault))

    def _strike(self) -> None:
        victim = self._draw.choice(list(VICTIMS))
        process = self._draw.choice(VICTIMS[victim])
        [way] = self._draw.choices(list(DRAW), list(DRAW.values()))
        emptied = self._draw.random() < 1 / 3
        pid = self._service.stack.pids().get(process)
        if pid is None:
            self._say(f"{self.now_s:8.1f} s  {victim}: {process} is still away, and spared")
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            way = Way.EMPTIED if emptied and process == "valkey" else way
            self.faults.append(self._kill(victim, process, pid, way))

    def _kill(self, victim: str, process: str, pid: int, way: Way) -> Fault:
        main = psutil.Process(pid)
        children = main.children()
        if not children and way is not Way.EMPTIED:
            way = Way.WHOLE
        fault = Fault(self.now_s, victim, process, way, pid, len(children), self._service.log_length(process))
        self.shared_memory |= shared_memory_of([main, *children])
        if way is Way.EMPTIED:
            self._service.empty_broker()
        match way:
            case Way.CHILD:
                doomed = [self._draw.choice(children)]
            case Way.MAIN:
                doomed = [main]
            case _:
                doomed = stopped(main)
        for each in doomed:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        fault.pids = [each.pid for each in doomed]
        return fault


def stopped(main: psutil.Process) -> list[psutil.Process]:
    """Stop a process and all below it, parents first, and return them: nobody sees another one die."""
    found = [main]
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
            found.extend(process.children())
    return found


def is_back(fault: Fault, service: Service) -> bool:
    """Tell whether all is as it was before a fault."""
    pid = service.stack.pids().get(fault.process)
    if pid is None:
        return False
    if fault.way is not Way.CHILD:
        return pid != fault.main_pid and service.is_back(fault.process, fault.log_offset)
    if fault.process == "postgres":
        return not psutil.pid_exists(fault.pids[0]) and service.is_back("postgres", 0)
    try:
        children = psutil.Process(pid).children()
    except psutil.NoSuchProcess:
        return False
    return fault.pids[0] not in {each.pid for each in children} and len(children) >= fault.others

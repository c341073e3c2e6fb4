"""The service as a network of queues, event by event (simpy), with measured costs.

What is a random draw: times between arrivals, and the service times of PostgreSQL and Valkey (exponential,
with the measured means). Stages take what was measured. What is left out: rows that wait for another's lock,
failures, and the janitor's work, which grows with what waits.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import simpy

from bench.scaling.costs import ClipCost, Measured
from bench.scaling.fleet import Fleet

Process = Generator[simpy.Event, Any, Any]

# FFmpeg works while the stage that reads from it does; elsewhere one waits for the other.
BESIDE = "faces"
BEAT_S = 2.0
# Turns on shared cores.
TURN_S = 0.005
FIRST, LAST = 0, 1


@dataclass(frozen=True)
class Load:
    """What comes.

    Attributes:
        interactive_s: Interactive clips a second, at random times.
        bulk_s: Bulk clips a second, at random times; as much as can be done when None.
        seconds: Simulated time.
        warm_s: Of it, what is not counted: until everything is in its stride.
        seed: Of the random draws.
    """

    interactive_s: float = 0.0
    bulk_s: float | None = None
    seconds: float = 60.0
    warm_s: float = 15.0
    seed: int = 1


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        clips_s: Clips that ended a second.
        fused_s: Clips a second that were ready for the model.
        busy: Share of the time, or of what there is, by part.
        waits_s: Of interactive clips, in order: all their time that is no stage's own.
    """

    clips_s: float
    fused_s: float
    busy: dict[str, float]
    waits_s: list[float]

    def waited_s(self, share: float) -> float | None:
        """Return what so large a share of the interactive clips waited at most."""
        return (
            self.waits_s[min(len(self.waits_s) - 1, int(share * len(self.waits_s)))] if self.waits_s else None
        )


@dataclass(eq=False)
class Clip:
    """A clip on its way."""

    interactive: bool
    began: float
    left: int
    working_s: float = 0.0


@dataclass
class Line:
    """What waits for workers of one kind, interactive first, and the workers that wait."""

    env: simpy.Environment
    interactive: deque[Any] = field(default_factory=deque)
    bulk: deque[Any] = field(default_factory=deque)
    idle: deque[tuple[simpy.Event, bool]] = field(default_factory=deque)

    def put(self, thing: Any, *, interactive: bool) -> None:
        """Hand it to a worker that waits, or let it wait."""
        for at, (event, express) in enumerate(self.idle):
            if interactive or not express:
                del self.idle[at]
                event.succeed(thing)
                return
        (self.interactive if interactive else self.bulk).append(thing)

    def take(self, *, express: bool = False) -> Any:
        """Return what waits, or an event that has it when it comes."""
        if self.interactive:
            return self.interactive.popleft()
        if self.bulk and not express:
            return self.bulk.popleft()
        event = self.env.event()
        self.idle.append((event, express))
        return event

    def more(self, most: int) -> list[Any]:
        """Return up to so many more of what waits now."""
        found: list[Any] = []
        while len(found) < most and (self.interactive or self.bulk):
            found.append((self.interactive or self.bulk).popleft())
        return found


class Simulation:
    """One run."""

    def __init__(self, measured: Measured, clip: ClipCost, fleet: Fleet, load: Load) -> None:
        """Prepare everything; ``run`` lets time pass."""
        self._measured, self._clip, self._fleet, self._load = measured, clip, fleet, load
        self._random = Random(load.seed)  # noqa: S311 - no secret
        self._env = env = simpy.Environment()
        self._shared = simpy.PriorityResource(env, fleet.cores) if fleet.cores else None
        self._database = simpy.PriorityResource(env, fleet.database_cores)
        self._pool = simpy.Resource(env, fleet.pool) if fleet.pool else None
        self._broker = simpy.PriorityResource(env, 1)
        self._storage = simpy.Resource(env, 1)
        self._api = simpy.Resource(env, fleet.api)
        self._media, self._model = Line(env), Line(env)
        self._busy_s: dict[str, float] = dict.fromkeys(
            ("media", "inference", "API", "PostgreSQL", "Valkey", "storage", "pool"), 0.0
        )
        self._open: Counter[tuple[float, str]] = Counter()
        self._ended = self._fused = 0
        self._waits_s: list[float] = []

    def run(self) -> Outcome:
        """Let time pass, and return what came of it."""
        env, fleet, load = self._env, self._fleet, self._load
        for number in range(fleet.media):
            env.process(self._child(express=number < fleet.express))
        for _ in range(fleet.inference):
            env.process(self._worker())
        if load.interactive_s:
            env.process(self._arrivals(load.interactive_s, interactive=True))
        if load.bulk_s is not None:
            env.process(self._arrivals(load.bulk_s, interactive=False))
        else:
            # So many wait at any time; each that is begun makes room for another.
            for _ in range(fleet.media):
                self._media.put(Clip(interactive=False, began=0, left=self._clip.windows), interactive=False)
        env.process(self._idle_work())
        env.run(until=load.warm_s)
        self._ended = self._fused = 0
        self._waits_s.clear()
        self._busy_s = dict.fromkeys(self._busy_s, 0.0)
        env.run(until=load.seconds)
        counted_s = load.seconds - load.warm_s
        for (began, name), count in self._open.items():
            self._busy_s[name] += count * (load.seconds - max(began, load.warm_s))
        there = {
            "media": fleet.media,
            "inference": fleet.inference,
            "API": fleet.api,
            "PostgreSQL": fleet.cores or fleet.database_cores,
            "Valkey": 1,
            "storage": 1,
            "pool": fleet.pool,
        }
        return Outcome(
            clips_s=self._ended / counted_s,
            fused_s=self._fused / counted_s,
            busy={name: self._busy_s[name] / (counted_s * count) for name, count in there.items() if count},
            waits_s=sorted(self._waits_s),
        )

    # What comes.

    def _arrivals(self, rate: float, *, interactive: bool) -> Process:
        while True:
            yield self._env.timeout(self._random.expovariate(rate))
            self._env.process(self._post(interactive=interactive))

    def _post(self, *, interactive: bool) -> Process:
        clip = Clip(interactive, self._env.now, self._clip.windows)
        yield from self._accept()
        self._media.put(clip, interactive=interactive)

    def _accept(self) -> Process:
        """What the API does for a job, its reading in the end included."""
        with self._api.request() as turn:
            yield turn
            yield from self._work(self._clip.servers.roles["api"].cpu_s, FIRST, "API")
        yield from self._transactions("api", 1.0)
        yield from self._message()

    def _idle_work(self) -> Process:
        """What the servers are asked without work: by the API and the janitor, and by workers that wait."""
        idle = self._measured.idle
        database_s = sum(idle.roles[role].a_second.database_s for role in ("api", "janitor"))
        while True:
            yield self._env.timeout(0.1)
            self._env.process(self._served(self._database, "PostgreSQL", database_s / 10))
            # It was measured with one worker of each kind; a busy one takes no message.
            waiting = len(self._media.idle) / self._fleet.children + len(self._model.idle)
            self._env.process(self._served(self._broker, "Valkey", idle.broker_s / 2 * waiting / 10))

    # Who works.

    def _child(self, *, express: bool) -> Process:
        """Be a media child: take a clip and go on with it to its fusion."""
        cost = self._clip
        beyond_s = (cost.media_s - cost.stages_s) / len(cost.stages)
        # A claim, and a commit for each stage.
        share = 1 / (len(cost.stages) + 1)
        # Not all at once, as they never are but in the beginning.
        yield self._env.timeout(self._random.uniform(0, cost.media_s))
        while True:
            taken = self._media.take(express=express)
            clip: Clip = (yield taken) if isinstance(taken, simpy.Event) else taken
            if self._load.bulk_s is None and not clip.interactive:
                self._env.process(self._post(interactive=False))
            with self._at_work("media"):
                yield from self._message()
                yield from self._transactions("media", share)
                for name, stage in cost.stages.items():
                    began = self._env.now
                    yield from self._moved(read_bytes(cost, name))
                    # A core of one's own is for both; of shared ones, there may be another.
                    beside_s = stage.helpers_s if self._shared and name == BESIDE else 0.0
                    helped = self._env.process(self._work(beside_s, LAST))
                    yield from self._work(beyond_s + stage.cpu_s - beside_s, LAST)
                    yield helped
                    yield from self._moved(stage.written_bytes)
                    clip.working_s += self._env.now - began
                    yield from self._transactions("media", share)
                yield from self._message()
            self._fused += 1
            for _ in range(cost.windows):
                self._model.put(clip, interactive=clip.interactive)

    def _worker(self) -> Process:
        """Be an inference worker: claim what waits, up to a batch, and run it."""
        fleet, cost = self._fleet, self._clip
        fused = cost.stages["fusion"].written_bytes / cost.windows
        while True:
            taken = self._model.take()
            first = (yield taken) if isinstance(taken, simpy.Event) else taken
            windows: list[Clip] = [first, *self._model.more(fleet.batch - 1)]
            share = len(windows) / cost.windows
            with self._at_work("inference"):
                yield from self._transactions("inference", share / 2, calls=1)
                began = self._env.now
                yield from self._moved(fused * len(windows))
                yield from self._work(fleet.window_s * len(windows) + fleet.beyond_s * share, FIRST)
                took = self._env.now - began
                yield from self._transactions("inference", share / 2, calls=1)
            for clip, count in Counter(windows).items():
                clip.working_s += took
                clip.left -= count
                if clip.left == 0:
                    self._end(clip)

    def _end(self, clip: Clip) -> None:
        self._ended += 1
        if clip.interactive:
            self._waits_s.append(max(0.0, self._env.now - clip.began - clip.working_s))

    @contextmanager
    def _at_work(self, name: str) -> Iterator[None]:
        began = self._env.now
        self._open[began, name] += 1
        yield
        self._open[began, name] -= 1
        self._busy_s[name] += self._env.now - max(began, self._load.warm_s)

    # What they use.

    def _work(self, seconds: float, priority: int, name: str | None = None) -> Process:
        """Work on a core: one's own, or in turns on those that everybody shares."""
        if name:
            self._busy_s[name] += seconds
        if self._shared is None:
            yield self._env.timeout(seconds)
            return
        while seconds > 0:
            turn_s = min(TURN_S, seconds)
            with self._shared.request(priority) as turn:
                yield turn
                yield self._env.timeout(turn_s)
            seconds -= turn_s

    def _transactions(self, role: str, share: float, *, calls: int | None = None) -> Process:
        """Run a share of a job's transactions, one after another."""
        cost = self._clip.servers.roles[role]
        statements = cost.statements * share
        times = max(1, calls or round(cost.transactions * share))
        network_s = (statements + times) * self._fleet.round_trip_s + times * self._fleet.flush_s
        drawn_s = self._random.expovariate(1.0) * cost.database_s * share
        if self._pool is None:
            yield self._env.timeout(network_s)
            yield from self._served(self._database, "PostgreSQL", drawn_s)
            return
        with self._pool.request() as turn:
            yield turn
            began = self._env.now
            yield self._env.timeout(network_s)
            yield from self._served(self._database, "PostgreSQL", drawn_s)
            self._busy_s["pool"] += self._env.now - began

    def _message(self) -> Process:
        """Send or take a message: of a job there are three."""
        drawn_s = self._random.expovariate(1.0) * self._clip.servers.broker_s / 3
        yield from self._served(self._broker, "Valkey", drawn_s)

    def _served(self, server: simpy.PriorityResource, name: str, seconds: float) -> Process:
        if self._shared is not None:
            yield from self._work(seconds, FIRST, name)
            return
        with server.request(FIRST) as turn:
            yield turn
            yield self._env.timeout(seconds)
            self._busy_s[name] += seconds

    def _moved(self, size: float) -> Process:
        """Read or write so many bytes."""
        if size and self._shared is None:
            seconds = size / self._fleet.storage_bytes_s
            with self._storage.request() as turn:
                yield turn
                yield self._env.timeout(seconds)
                self._busy_s["storage"] += seconds


def read_bytes(clip: ClipCost, stage: str) -> int:
    """Return what a stage reads: the upload is fetched once, and fusion takes what the others have made."""
    if stage == "fusion":
        return sum(each.written_bytes for name, each in clip.stages.items() if name != stage)
    return clip.upload_bytes if stage == "ingest" else 0


def simulate(measured: Measured, clip: ClipCost, fleet: Fleet, load: Load) -> Outcome:
    """Return what a fleet does under a load."""
    return Simulation(measured, clip, fleet, load).run()

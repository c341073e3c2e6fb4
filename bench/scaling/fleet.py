"""A fleet: how many machines of which kind, what they are worth, and what the servers can do."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf

from bench.scaling.costs import ClipCost, Measured

# Processes that hold connections beside the workers.
API_PROCESSES = 2
# The model that scored the jobs whose cost was measured.
USUAL = "videomae-nano"
JANITORS = 1
# Of PostgreSQL's connections, those that only a superuser may have.
RESERVED_CONNECTIONS = 3


@dataclass(frozen=True)
class Fleet:
    """What is simulated.

    Attributes:
        media: Media children; each has a core of its own.
        express: Those of them that take interactive work only.
        inference: Inference workers, one model each.
        window_s: What a window takes one of them, in a batch.
        beyond_s: What an inference worker adds to the model, for a clip.
        children: Media children of one worker: it asks the broker for all of them.
        batch: Most windows claimed at a time.
        api: API processes.
        database_cores: Cores of PostgreSQL.
        database_connections: Its ``max_connections``.
        pool: Server connections of a transaction pooler; none when 0, and each process keeps its own.
        round_trip_s: Network time of a statement, there and back.
        flush_s: Time until a commit is on disk.
        storage_bytes_s: What the storage takes and gives in a second, all together.
        cores: Cores that all of it shares, as on a single machine; each its own when 0.
    """

    media: int
    inference: int
    window_s: float
    beyond_s: float = 0.0
    express: int = 0
    children: int = 2
    batch: int = 8
    api: int = API_PROCESSES
    database_cores: int = 4
    database_connections: int = 100
    pool: int = 0
    round_trip_s: float = 0.0005
    flush_s: float = 0.001
    storage_bytes_s: float = 1.25e9
    cores: int = 0


@dataclass(frozen=True)
class Ceiling:
    """Where something is full.

    Attributes:
        what: What is full.
        clips_s: At how many clips a second.
    """

    what: str
    clips_s: float


def model_window_s(measured: Measured, model: str, cores: int = 1) -> float:
    """Return the seconds a window takes a worker with so many cores."""
    costs = measured.models[model].window_s
    return costs[max(costs)] / cores


def asking_s(clip: ClipCost, role: str, fleet: Fleet) -> float:
    """Return the seconds a process of a kind waits for PostgreSQL over the network, for a clip."""
    cost = clip.servers.roles[role]
    # BEGIN goes with the first statement, COMMIT is one more and has to be on disk.
    times = cost.statements + cost.transactions
    return times * fleet.round_trip_s + cost.transactions * fleet.flush_s + cost.database_s


def media_s(clip: ClipCost, fleet: Fleet) -> float:
    """Return the seconds a clip keeps a media child busy."""
    return clip.media_s + asking_s(clip, "media", fleet)


def inference_s(clip: ClipCost, fleet: Fleet) -> float:
    """Return the seconds a clip keeps an inference worker busy."""
    return clip.windows * fleet.window_s + fleet.beyond_s + asking_s(clip, "inference", fleet)


def model_beyond_s(measured: Measured, clip: ClipCost) -> float:
    """Return the processor seconds that an inference worker adds to the model, for a clip."""
    usual = measured.models[USUAL].window_s
    return max(0.0, clip.servers.roles["inference"].cpu_s - clip.windows * usual[max(usual)])


def shared_out(workers: int, clip: ClipCost, fleet: Fleet) -> tuple[int, int]:
    """Return media children and inference workers, of so many together, that keep each other busy."""
    media, model = media_s(clip, fleet), inference_s(clip, fleet)
    inference = min(workers - 1, max(1, ceil(workers * model / (media + model))))
    return workers - inference, inference


def needed(clips_s: float, clip: ClipCost, fleet: Fleet, busy: float) -> tuple[int, int]:
    """Return media children and inference workers for a rate at which they are ``busy`` (0 to 1)."""
    media, model = media_s(clip, fleet), inference_s(clip, fleet)
    return max(1, ceil(clips_s * media / busy)), max(1, ceil(clips_s * model / busy))


def connections(measured: Measured, fleet: Fleet) -> int:
    """Return the connections that the processes of a fleet hold to PostgreSQL, or to its pooler."""
    held = {role: hold.connections for role, hold in measured.idle.roles.items()}
    return (
        fleet.media * held["media"]
        + fleet.inference * held["inference"]
        + fleet.api * held["api"]
        + JANITORS * held["janitor"]
    )


def ceilings(measured: Measured, clip: ClipCost, fleet: Fleet) -> list[Ceiling]:
    """Return at which rates the parts of a fleet are full, the first of them first."""
    servers = clip.servers
    a_child = measured.idle.roles["media"].connections
    an_inference = measured.idle.roles["inference"].connections
    others = connections(measured, fleet) - fleet.media * a_child - fleet.inference * an_inference
    # As many workers as may connect, shared out as the clip wants it.
    a_clip = media_s(clip, fleet) * a_child + inference_s(clip, fleet) * an_inference
    free = fleet.database_connections - RESERVED_CONNECTIONS - others
    found = [
        Ceiling("media children", fleet.media / media_s(clip, fleet)),
        Ceiling("inference workers", fleet.inference / inference_s(clip, fleet)),
        Ceiling("API", at_most(fleet.api, servers.roles["api"].cpu_s)),
        Ceiling("PostgreSQL's cores", at_most(fleet.database_cores, servers.database_s)),
        Ceiling("Valkey", at_most(1, servers.broker_s)),
        Ceiling("storage", fleet.storage_bytes_s / moved_bytes(clip)),
    ]
    if not fleet.pool:
        found.append(Ceiling("PostgreSQL's connections", max(0, free) / a_clip))
    return sorted(found, key=lambda each: each.clips_s)


def at_most(there: float, a_clip: float) -> float:
    """Return how many clips a second there is room for; no end of them where one takes nothing."""
    return there / a_clip if a_clip else inf


def moved_bytes(clip: ClipCost) -> int:
    """Return what goes to and from storage for a job: what is written is read once."""
    return 2 * clip.written_bytes

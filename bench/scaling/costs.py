"""Measured costs: what the measurement writes and the simulation reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

MEASURED = Path(__file__).with_name("measured.json")
MEDIA_STAGES = ("ingest", "faces", "sound", "fusion")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StageCost(_Record):
    """What one stage of one clip costs.

    Attributes:
        own_s: Processor seconds of the media child itself.
        helpers_s: Processor seconds of what it starts: FFmpeg, and the child that probes.
        written_bytes: What it puts into storage.
    """

    own_s: float
    helpers_s: float
    written_bytes: int

    @property
    def cpu_s(self) -> float:
        """Return all its processor seconds."""
        return self.own_s + self.helpers_s


class RoleCost(_Record):
    """What a job, or a second, costs through one kind of process.

    Attributes:
        cpu_s: Processor seconds of the processes themselves, stages included.
        transactions: Transactions, statements outside of any included.
        statements: Statements other than those that begin and end transactions.
        database_s: Processor seconds of their PostgreSQL backends.
        executing_s: What PostgreSQL counts as time of planning and running their statements.
    """

    cpu_s: float
    transactions: float
    statements: float
    database_s: float
    executing_s: float


class ServerCost(_Record):
    """What a job costs beyond its stages: the mean of some jobs.

    Attributes:
        jobs: How many jobs.
        roles: By kind of process; of the API, POST and GET of the job, not the upload.
        broker_s: Processor seconds of Valkey.
        broker_commands: Commands that Valkey runs.
        wal_bytes: What PostgreSQL writes ahead.
        row_bytes: What its tables and indexes grow by.
        kept_bytes: What stays in storage after the job's end, the upload aside.
    """

    jobs: int
    roles: dict[str, RoleCost]
    broker_s: float
    broker_commands: float
    wal_bytes: float
    row_bytes: float
    kept_bytes: int

    @property
    def database_s(self) -> float:
        """Return the processor seconds of PostgreSQL's backends; the janitor's are of time, not of jobs."""
        return sum(cost.database_s for role, cost in self.roles.items() if role != "janitor")


class ClipCost(_Record):
    """What one clip costs.

    Attributes:
        seconds: Its length.
        height: Its height in pixels.
        windows: Model inputs.
        upload_bytes: Its own size.
        stages: The media stages by name.
        servers: What a job of it costs the servers.
    """

    seconds: float
    height: int
    windows: int
    upload_bytes: int
    stages: dict[str, StageCost]
    servers: ServerCost

    @property
    def stages_s(self) -> float:
        """Return the processor seconds of the media stages alone."""
        return sum(stage.cpu_s for stage in self.stages.values())

    @property
    def media_s(self) -> float:
        """Return the processor seconds of a media worker, what it adds to the stages included."""
        return max(self.stages_s, self.servers.roles["media"].cpu_s)

    @property
    def written_bytes(self) -> int:
        """Return what is put into storage for a job, the upload included."""
        return self.upload_bytes + sum(stage.written_bytes for stage in self.stages.values())


class ModelCost(_Record):
    """What a model costs on this machine's processor.

    Attributes:
        window_s: Processor seconds a window, by windows at a time.
    """

    window_s: dict[int, float]


class RoleHold(_Record):
    """What a kind of process holds, and does while there is nothing to do.

    Attributes:
        processes: How many there were, those that only watch over others included.
        connections: The most connections to PostgreSQL that one of them held, work included.
        all_connections: Of all of them together.
        broker_connections: To Valkey, all of them together.
        a_second: What they cost in a second without work, all of them together.
    """

    processes: int
    connections: int
    all_connections: int
    broker_connections: int
    a_second: RoleCost


class Idle(_Record):
    """What the service holds and does without work.

    Attributes:
        roles: By kind of process.
        broker_s: Processor seconds of Valkey in a second.
        broker_commands: Its commands in a second.
    """

    roles: dict[str, RoleHold]
    broker_s: float
    broker_commands: float


class Measured(_Record):
    """Everything, with what it was measured on and how.

    Attributes:
        command: What measures it again.
        date: When it was measured.
        machine: What it was measured on.
        others_share: Share of the processors that other work on the machine took meanwhile.
        clips: By size, such as ``3s-360p``.
        models: By id.
        idle: Without work.
    """

    command: str
    date: str
    machine: dict[str, Any]
    others_share: float | None
    clips: dict[str, ClipCost]
    models: dict[str, ModelCost]
    idle: Idle


def read_measured(path: Path = MEASURED) -> Measured:
    """Return what was measured.

    Raises:
        OSError: There is no such file.
        pydantic.ValidationError: It is not one of ``bench.stage_costs``.
    """
    return Measured.model_validate_json(path.read_text(encoding="utf-8"))


def write_measured(measured: Measured, path: Path = MEASURED) -> None:
    """Write what was measured."""
    path.write_text(measured.model_dump_json(indent=2) + "\n", encoding="utf-8")

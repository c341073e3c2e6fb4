from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from client.ops.drain import choose, queues_of_role
from client.ops.figures import Ended, Figures
from client.ops.nodes import Node, Task, task_of
from client.ops.overview import Overview, Part, bugs_in, faults_of, unserved
from client.ops.queues import Queue, queue_of
from client.ops.status import screen
from client.ops.workers import screen as workers_screen
from shared.backlog import ReadyCount
from shared.errors import AvemotionError
from shared.queue import queue_names

SEGMENT = "0198c0de-0000-7000-8000-000000000001"
OK = Part("database", ok=True, told="answers")
BULK = Queue("media.bulk.ingest", messages=2, ready=3, oldest_s=300, leased=0, lost=1)
EMPTY = Queue("media.bulk.sound", messages=0, ready=0, oldest_s=None, leased=0, lost=0)
MEDIA = Node(
    name="media@a",
    processes=2,
    queues=("media.interactive.faces", "media.bulk.ingest"),
    tasks=(Task("faces", "segment", SEGMENT, 12.3),),
    taken=1,
)


def shown(renderable: RenderableType) -> str:
    """Return what a console of plain text shows."""
    out = io.StringIO()
    Console(file=out, width=160).print(renderable)
    return out.getvalue()


def test_all_is_well_without_a_fault() -> None:
    """Nothing is said where everything answers, and what waits is served."""
    fresh = Queue("media.bulk.ingest", messages=2, ready=3, oldest_s=5, leased=0, lost=1)
    assert faults_of([OK, Part("storage", ok=None, told="elsewhere")], [fresh, EMPTY], [MEDIA]) == []


def test_each_fault_is_a_sentence() -> None:
    """What is down, what waits without a worker, and what has been lost for long."""
    down = Part("storage", ok=False, told="The storage does not answer: OSError.")
    assert faults_of([OK, down], [BULK, EMPTY], []) == [
        "storage: The storage does not answer: OSError.",
        "media.bulk.ingest: 3 units of work ready, 2 messages, and no worker takes from it.",
        "media.bulk.ingest: 1 message lost for 5 min; is a janitor running?",
    ]


def test_without_the_broker_nobody_is_said_to_be_missing() -> None:
    """Workers cannot be asked then: only the broker is at fault."""
    unknown = Queue("media.bulk.ingest", messages=None, ready=3, oldest_s=300, leased=0, lost=None)
    assert faults_of([OK], [unknown], None) == []


def test_messages_alone_ask_for_a_worker_too() -> None:
    """A queue whose rows are gone, but not its messages, is waited in as well."""
    alone = Queue("media.bulk.sound", messages=4, ready=0, oldest_s=None, leased=0, lost=0)
    assert unserved([alone, EMPTY], [MEDIA]) == [alone]


@pytest.mark.parametrize(
    ("messages", "waiting", "lost"),
    [
        (0, ReadyCount(3, 2, 9.0), 3),
        (2, ReadyCount(3, 2, 9.0), 1),
        (5, ReadyCount(3, 2, 9.0), 0),
        (0, ReadyCount(3, 0, 9.0), 0),
        (0, ReadyCount(3, 2, 9.0, together=True), 3),
        (1, ReadyCount(3, 2, 9.0, together=True), 0),
        (None, ReadyCount(3, 2, 9.0), None),
        (4, None, 0),
    ],
)
def test_lost_messages_are_those_of_late_rows(
    messages: int | None, waiting: ReadyCount | None, lost: int | None
) -> None:
    """Ready rows without a message, once one of them is late; unknown while the broker is away."""
    assert queue_of("q", messages, waiting, 0).lost == lost


def test_one_screen_says_it_all() -> None:
    """Parts, jobs, errors of the last hour, workers, busy queues and faults, each in a line."""
    figures = Figures(
        {"queued": 1200, "running": 2},
        (Ended("succeeded", None, 9), Ended("failed", "worker_lost", 1)),
        {"pending": 3, "failed": 0},
    )
    text = shown(
        screen(Console(), Overview((OK,), figures, (BULK, EMPTY), (MEDIA,), ("Something is wrong.",)))
    )
    lines = [line.split() for line in text.splitlines()]
    assert ["database", "ok", "answers"] in lines
    assert "jobs       1,200 queued, 2 running\n" in text
    assert "last hour  9 succeeded, 1 worker_lost\n" in text
    assert "webhooks   3 waiting, 0 given up\n" in text
    assert "workers    media@a (1 of 2 at work)\n" in text
    assert ["media.bulk.ingest", "2", "3", "5", "min", "0", "1"] in lines
    assert "media.bulk.sound" not in text
    assert text.endswith("Something is wrong.\n")


def test_a_screen_without_servers_says_so() -> None:
    """With everything down, the parts and faults are left."""
    down = Part("database", ok=False, told="Gone.")
    text = shown(screen(Console(), Overview((down,), None, None, None, ("database: Gone.",))))
    assert text.split() == ["database", "DOWN", "Gone.", "database:", "Gone."]


def test_workers_are_told_with_what_they_run() -> None:
    """A line a worker, with its host, role, processes, queues and task; a drained one has no queues."""
    drained = Node("inference@b", processes=1, queues=(), tasks=(), taken=0)
    lines = [line.split() for line in shown(workers_screen(Console(), [MEDIA, drained])).splitlines()]
    row = f"a media 2 media.interactive, media.bulk faces segment {SEGMENT} 12 s"
    assert row.split() in lines
    assert ["b", "inference", "1", "none", "(drained)", "-"] in lines
    assert shown(workers_screen(Console(), [])).startswith("No worker answers.")


def test_tasks_are_read_from_celerys_answers() -> None:
    """An ingest is of a job, anything else of a segment; an answer without a start has just begun."""
    told = {"name": "avemotion.ingest", "args": [SEGMENT], "time_start": 90.0}
    assert task_of(told, 100.0) == Task("ingest", "job", SEGMENT, 10.0)
    told = {"name": "avemotion.faces", "args": [SEGMENT], "time_start": None}
    assert task_of(told, 100.0) == Task("faces", "segment", SEGMENT, 0.0)


def test_workers_are_chosen_by_name_or_role() -> None:
    """One by its name, those of a role, or all; an unknown one is told who there is."""
    names = ["inference@a", "media@a", "media@b"]
    assert choose(names, "media@b") == ["media@b"]
    assert choose(names, "media") == ["media@a", "media@b"]
    assert choose(names, None) == names
    with pytest.raises(AvemotionError, match="there are inference@a, media@a, media@b"):
        choose(names, "media@c")
    with pytest.raises(AvemotionError, match="No worker answers"):
        choose([], None)


def test_a_drained_worker_gets_the_queues_of_its_role() -> None:
    """Those that it serves from its start: an express worker has no bulk, OpenFace's go to who has it."""
    assert queues_of_role("media", ("landmarker", "openface")) == queue_names("media")
    assert queues_of_role("inference", ("landmarker",)) == queue_names("inference")
    express = queues_of_role("express", ("landmarker",))
    assert express
    assert not any("bulk" in name or "openface" in name for name in express)


def test_who_waits_for_long_is_told_of() -> None:
    """Somebody who sits there, with workers up; not a batch, and not what waits for a lost message."""
    served = Node("media@a", 1, ("media.interactive.faces", "media.bulk.ingest"), (), 0)
    waiting = Queue("media.interactive.faces", messages=1, ready=1, oldest_s=61, leased=0, lost=0)
    [fault] = faults_of([OK], [waiting, replace(waiting, name="media.bulk.ingest")], [served])
    assert fault.startswith(
        "media.interactive.faces: 1 unit of work ready, 1 message, the oldest for 1 min: "
    )
    assert faults_of([OK], [replace(waiting, oldest_s=59)], [served]) == []
    assert len(faults_of([OK], [replace(waiting, lost=1)], [served])) == 1


def test_a_bug_is_told_of() -> None:
    """Jobs that ended in internal_error ask whether the release is bad; other ends do not."""
    ended = (Ended("failed", "worker_lost", 1), Ended("failed", "internal_error", 2))
    [fault] = bugs_in(Figures(ended=ended))
    assert fault.startswith("2 jobs of the last hour ended in internal_error: is the release bad?")
    assert bugs_in(Figures(ended=ended[:1])) == bugs_in(None) == []

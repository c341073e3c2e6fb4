"""In which order a worker takes messages from a real Valkey."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from client.stack.valkey import EmbeddedValkey
from shared.analyzers import announce, find_analyzers
from shared.queue import (
    INFERENCE,
    make_celery,
    publish,
    queue_lengths,
    queue_name,
    queue_names,
    task_name,
    wake_model,
)
from shared.settings import Settings
from shared.tables import Priority, StageName
from tests.servers import Server, wait_until

# A worker with the service's own Celery settings, whose tasks only write down that they ran.
WORKER = """
import sys
from shared.queue import make_celery, queue_names, task_name
from shared.settings import get_settings
from shared.tables import StageName

app = make_celery(get_settings())

for name in StageName:
    @app.task(name=task_name(name))
    def note(key, name=name):
        with open(sys.argv[1], "a") as log:
            log.write(f"{key}\\n")

app.worker_main(["worker", "-P", "prefork", "-c", "1", "-Q", ",".join(queue_names("media")),
                 "--without-gossip", "--without-mingle"])
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Settings]:
    """A real Valkey, empty."""
    valkey = EmbeddedValkey(tmp_path / "valkey")
    server = Server(valkey.process(), tmp_path / "valkey.log")
    server.start()
    yield Settings(broker_url=valkey.url, data_dir=tmp_path)
    server.kill()


def test_interactive_goes_before_bulk_and_later_stages_before_earlier(
    broker: Settings, tmp_path: Path
) -> None:
    """However messages come, a worker takes them in the order of its queues."""
    app = make_celery(broker)
    names = queue_names("media")
    for name in reversed(names):
        stage = StageName(name.split(".")[2])
        for number in (1, 2):
            message = app.signature(task_name(stage), args=(f"{name} {number}",), options={"queue": name})
            assert publish(message)
    assert {queue_lengths(broker)[name] for name in names} == {2}

    log = tmp_path / "log"
    log.touch()
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(log)],
        env={"AVEMOTION_BROKER_URL": str(broker.broker_url), "PATH": "/usr/bin:/bin"},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
    )
    try:
        wait_until(lambda: len(log.read_text().splitlines()) == 2 * len(names))
    finally:
        worker.terminate()
        worker.wait()

    assert log.read_text().splitlines() == [f"{name} {number}" for name in names for number in (1, 2)]


def test_only_who_has_an_analyzer_takes_its_work() -> None:
    """Faces that OpenFace must see wait in queues that other workers do not serve; the rest is shared."""
    everywhere, only = queue_names("media", ["landmarker"]), {"media.interactive.faces.openface"}

    assert not set(everywhere) & only
    assert set(queue_names("media", ["landmarker", "openface"])) - set(everywhere) == {
        "media.interactive.faces.openface",
        "media.bulk.faces.openface",
    }
    assert queue_name(StageName.SOUND, Priority.BULK, "openface") in everywhere


def test_workers_say_what_they_see_faces_with(broker: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What any worker can use is usable; faults are told until one can; who falls silent is forgotten."""
    assert find_analyzers(broker) == {"landmarker": ()}

    announce(broker, "media@one", {"openface": ["Its models are missing."]})
    assert find_analyzers(broker) == {"landmarker": (), "openface": ("Its models are missing.",)}

    announce(broker, "media@two", {"openface": []})
    assert find_analyzers(broker) == {"landmarker": (), "openface": ()}

    monkeypatch.setattr("shared.analyzers.FRESH_S", -1)
    assert find_analyzers(broker) == {"landmarker": ()}


def test_a_broker_that_is_away_is_no_error_for_the_sender(tmp_path: Path) -> None:
    """A publish tells that nothing was sent, and does so at once."""
    nowhere = Settings(broker_url="redis://127.0.0.1:1/0", data_dir=tmp_path)
    app = make_celery(nowhere)

    assert not publish(app.signature(task_name(StageName.INGEST), args=("x",)))


def test_the_model_is_woken_up_once_for_all_that_is_ready(broker: Settings) -> None:
    """While a message waits another would find nothing to do; of another priority it is another matter."""
    app = make_celery(broker)
    bulk, interactive = queue_names(INFERENCE, priorities=(Priority.BULK, Priority.INTERACTIVE))

    assert all(wake_model(app, uuid4(), Priority.BULK, broker) for _ in range(3))
    assert wake_model(app, uuid4(), Priority.INTERACTIVE, broker)

    lengths = queue_lengths(broker)
    assert (lengths[bulk], lengths[interactive]) == (1, 1)


def test_waking_the_model_without_a_broker_is_left_to_the_janitor(tmp_path: Path) -> None:
    """Nobody waits, and whoever asks is told."""
    away = Settings(broker_url="redis://127.0.0.1:1/0", data_dir=tmp_path)

    assert not wake_model(make_celery(away), uuid4(), Priority.BULK, away)

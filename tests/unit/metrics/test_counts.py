"""Counting in several processes of one worker, with real forks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from celery.exceptions import Ignore
from sqlalchemy.exc import OperationalError

from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from worker.metrics.exposition import FOLDER_VARIABLE, serve, share_counts
from worker.metrics.stages import Outcome, outcome_of
from worker.pulse import LeaseLostError
from worker.time_limit import TimeLimitError

ROOT = Path(__file__).parents[3]
# A parent whose children count one after another, each killed or ended before the parent looks.
PARENT = """
import json, os, signal, sys
from pathlib import Path
from shared.settings import get_settings
from worker.metrics import exposition

exposition.share_counts(get_settings())
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from worker.metrics.counts import Counts

counter = Counter("tried", "Tries.", ["how"])
seconds = Histogram("took", "Time.", buckets=(1, 2))
level = Gauge("level", "Level.")
folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
registry = CollectorRegistry()
registry.register(Counts(folder))
seen = []
for number in range(3):
    child = os.fork()
    if child == 0:
        counter.labels("well").inc(2)
        seconds.observe(1.5)
        level.set(number)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    lines = generate_latest(registry).decode().splitlines()
    wanted = ('tried_total{how="well"}', 'took_bucket{le="2.0"}', 'took_count')
    values = [float(line.split()[-1]) for name in wanted for line in lines if line.startswith(name)]
    others = [file.name for file in folder.glob("*.db") if str(os.getpid()) not in file.name]
    seen.append([values, sorted(others)])
print(json.dumps([str(folder), seen]))
"""


def test_what_a_dead_child_counted_stays_and_its_files_go() -> None:
    """Totals grow over the deaths of children, in one file of each kind; the folder goes with the parent."""
    environment = {**os.environ, "AVEMOTION_METRICS_PORT": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PARENT], env=environment, capture_output=True, text=True, check=True
    )

    folder, seen = json.loads(done.stdout)

    kept = ["counter_ended.db", "histogram_ended.db"]
    assert seen == [
        [[2.0, 1.0, 1.0], kept],
        [[4.0, 2.0, 2.0], kept],
        [[6.0, 3.0, 3.0], kept],
    ]
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (LeaseLostError(), Outcome.GIVEN_UP),
        (AvemotionError(ErrorCode.NO_SOUND, "None."), Outcome.FAILED),
        (TimeLimitError(), Outcome.TIMEOUT),
        (OperationalError("", None, Exception()), Outcome.DATABASE),
        (OSError(28, "No space left on device"), Outcome.STORAGE),
        (MemoryError(), Outcome.MEMORY),
        (KeyError(), Outcome.ERROR),
    ],
)
def test_the_outcome_is_that_of_the_error_behind_it(error: Exception, outcome: Outcome) -> None:
    """The runner ends a message by `Ignore`; what counts is why."""
    assert outcome_of(error) is outcome
    with pytest.raises(Ignore) as caught:
        _end_message_after(error)
    assert outcome_of(caught.value) is outcome


def _end_message_after(error: Exception) -> None:
    try:
        raise error  # noqa: TRY301 - as a stage does
    except Exception:  # noqa: BLE001 - whichever it is
        raise Ignore from None


def test_a_port_that_is_taken_costs_the_metrics_and_not_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    """A worker goes on without them, and says so."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serve(Settings(metrics_port=port))
    assert f"no metrics: {port} cannot be listened on" in caplog.text


def test_without_a_port_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics of workers are off until somebody sets a port: then neither folder nor server is made."""
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    threads = threading.active_count()
    share_counts(Settings())
    serve(Settings())
    assert FOLDER_VARIABLE not in os.environ
    assert threading.active_count() == threads

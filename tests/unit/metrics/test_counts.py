"""Counting in several processes of one worker, with real forks."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery.exceptions import Ignore
from sqlalchemy.exc import OperationalError

from shared.counting import LOCK, counts_folder, sweep_counts
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from tests.processes import is_gone
from tests.servers import wait_until
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


# It counts in a folder of its own and says which; then it waits for its end.
HOLDER = """
import os, sys, time
from pathlib import Path
from shared.counting import counts_folder

folder = counts_folder(Path(sys.argv[1]))
(folder / "counter_1.db").touch()
if sys.argv[2] == "forks" and os.fork():
    # The child lives on, as those of a worker do for a while.
    os._exit(0)
print(os.getpid(), folder, flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def holder(place: Path, way: str) -> Iterator[tuple[int, Path]]:
    """Run a process that counts; yield its id, or that of its child, and its folder."""
    command = [sys.executable, "-c", HOLDER, str(place), way]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid, folder = process.stdout.readline().split()
        try:
            yield int(pid), Path(folder)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


@pytest.mark.parametrize("way", ["alone", "forks"])
def test_the_folder_of_a_killed_process_goes_with_the_next_start(tmp_path: Path, way: str) -> None:
    """As long as the maker or a child of it lives its folder stays; afterwards the next one removes it."""
    with holder(tmp_path, way) as (pid, folder):
        first = counts_folder(tmp_path)
        assert {each.name for each in tmp_path.iterdir()} == {folder.name, first.name}
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: is_gone(pid))

        second = counts_folder(tmp_path)

    assert {each.name for each in tmp_path.iterdir()} == {first.name, second.name}


def test_folders_that_are_just_made_or_not_ours_are_left_alone(tmp_path: Path) -> None:
    """One without a lock is not removed, nor is what has another name, nor what a link leads to."""
    (tmp_path / "avemotion-counts-new").mkdir()
    other = tmp_path / "avemotion-work-x"
    other.mkdir()
    (other / LOCK).touch()
    (tmp_path / "avemotion-counts-link").mkdir()
    (tmp_path / "avemotion-counts-link" / LOCK).symlink_to(other / LOCK)

    assert sweep_counts(tmp_path) == 0
    assert len(list(tmp_path.iterdir())) == 3

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pyarrow import parquet
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from client.main import app
from shared.rows import columns_of
from shared.tables import Batch, Job, Priority
from tests.integration.api.conftest import LiveApi, video
from tests.integration.api.rows import LABELS
from tests.integration.client.conftest import Workers, references
from tests.processes import heed_signals
from tests.servers import wait_until

ALL = ["clips/a.mp4", "clips/b-bad.mp4", "clips/c.mp4", "clips/d.wav", "clips/e.mp4", "clips/f.mp4"]
SENT = ALL[:-1]

LIMIT_S = 120

Score = Callable[..., int]


@pytest.fixture
def score(live: LiveApi) -> Score:
    """Run the command against the live API and return its exit code."""

    def run(*arguments: str, server: str | None = None) -> int:
        with pytest.raises(SystemExit) as ended:
            app(["score", *arguments, "--server", server or live.url])
        assert isinstance(ended.value.code, int)
        return ended.value.code

    return run


@pytest.fixture
def http(live: LiveApi) -> Iterator[httpx.Client]:
    """A client of the live API."""
    with httpx.Client(base_url=live.url, timeout=LIMIT_S, trust_env=False) as connection:
        yield connection


def start(live: LiveApi, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "client.main", "score", *arguments, "--server", live.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=heed_signals,  # noqa: PLW1509 - nothing in it can wait for another thread
    )


def read(path: str = "results.csv") -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def names() -> list[str]:
    """Return what is in the working folder."""
    return sorted(path.name for path in Path().iterdir())


@pytest.mark.usefixtures("clips")
def test_each_clip_gets_a_row(
    score: Score, workers: Workers, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results come in the order of the clips, with a reason where there is none, and the state is gone."""
    workers.allow()

    assert score("clips", "--out", "results.csv") == 0

    rows = read()
    assert list(rows[0]) == columns_of(LABELS)
    assert [row["path"] for row in rows] == ALL
    assert [row["status"] for row in rows] == ["succeeded", "failed", *["succeeded"] * 3, "failed"]
    assert rows[0]["emotion"] == "anger"
    assert float(rows[0]["p_anger"]) == 0.75
    assert (rows[1]["error_code"], rows[1]["emotion"]) == ("no_face_found", "")
    assert (rows[5]["error_code"], rows[5]["error_message"]) == ("empty_upload", "The file is empty.")
    assert names() == ["clips", "results.csv"]
    err = capsys.readouterr().err
    assert "Passed over: 1 file that is no media." in err
    assert "6 clips: 4 scored, 2 failed (no_face_found 1, empty_upload 1). Written: results.csv." in err
    with Session(engine) as session:
        assert set(session.scalars(select(Job.priority))) == {Priority.BULK}
        (batch,) = session.scalars(select(Batch))
        assert batch.closed_at is not None
        assert batch.name == "results.csv"


@pytest.mark.usefixtures("clips")
def test_options_are_those_of_every_job(score: Score, workers: Workers, engine: Engine) -> None:
    """Model options of the command line reach each job."""
    workers.allow()
    assert (
        score("clips/a.mp4", "clips/c.mp4", "--out", "results.csv", "--window", "1", "--stride", "0.5") == 0
    )
    with Session(engine) as session:
        assert {(job.window_s, job.stride_s) for job in session.scalars(select(Job))} == {(1.0, 0.5)}


@pytest.mark.slow
@pytest.mark.usefixtures("clips")
def test_other_formats_hold_the_same(score: Score, workers: Workers) -> None:
    """JSON lines and Parquet hold values in place of text."""
    workers.allow()
    assert score("clips", "--out", "results.jsonl") == 0
    assert score("clips", "--out", "results.parquet") == 0
    lines = [json.loads(line) for line in Path("results.jsonl").read_text().splitlines()]
    table = parquet.read_table("results.parquet").to_pylist()
    assert [row["path"] for row in lines] == [row["path"] for row in table] == ALL
    assert lines[0]["p_anger"] == table[0]["p_anger"] == 0.75
    assert lines[0]["trained"] is table[0]["trained"] is False
    assert lines[1]["p_anger"] is table[1]["p_anger"] is None


@pytest.mark.usefixtures("clips")
def test_a_broken_off_run_goes_on(
    live: LiveApi, http: httpx.Client, score: Score, workers: Workers, engine: Engine
) -> None:
    """Ctrl-C leaves what was done; the same command again finishes it, and no clip is scored twice."""
    first = start(live, "clips", "--out", "results.csv")
    wait_until(lambda: references(engine) == SENT)
    workers.allow(2)
    wait_until(lambda: http.get("/jobs?status=succeeded").json()["jobs"])
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=LIMIT_S)

    assert first.returncode == 130
    assert b"Interrupted: " in err
    assert b"Traceback" not in err
    assert names() == ["clips", "results.csv.state.json"]

    workers.allow()
    assert score("clips", "--out", "results.csv") == 0
    assert [row["path"] for row in read()] == ALL
    assert read()[5]["error_code"] == "empty_upload"
    assert references(engine) == SENT
    assert not Path("results.csv.state.json").exists()


def test_a_killed_run_goes_on(
    clips: Path, live: LiveApi, score: Score, workers: Workers, engine: Engine
) -> None:
    """A run that dies while it sends is finished by the same command, and no clip is scored twice."""
    for number in range(200):
        (clips / f"more-{number:03}.mp4").write_bytes(video(f"more {number}"))
    first = start(live, "clips", "--out", "results.csv")
    wait_until(lambda: references(engine) != [])
    first.kill()
    first.communicate(timeout=LIMIT_S)
    assert len(references(engine)) < 205

    workers.allow()
    assert score("clips", "--out", "results.csv") == 0
    assert len(read()) == 206
    assert len(references(engine)) == len(set(references(engine))) == 205
    assert sum(row["status"] == "succeeded" for row in read()) == 204


@pytest.fixture
def interrupted(live: LiveApi, clips: Path, engine: Engine) -> Path:
    """The state of a run that was broken off once all clips were sent."""
    process = start(live, "clips", "--out", "results.csv")
    wait_until(lambda: references(engine) == SENT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LIMIT_S)
    return clips.parent / "results.csv.state.json"


@pytest.mark.slow
def test_another_run_does_not_go_on(
    interrupted: Path, score: Score, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    """With other options or other clips the command says so, and sends nothing."""
    before = interrupted.read_bytes()
    assert score("clips", "--window", "1", "--out", "results.csv") == 1
    assert "begun with other options: none." in capsys.readouterr().err
    assert score("clips/a.mp4", "--out", "results.csv") == 1
    assert "begun with other clips (6)" in capsys.readouterr().err
    assert interrupted.read_bytes() == before
    assert references(engine) == SENT


@pytest.mark.slow
@pytest.mark.usefixtures("interrupted")
def test_another_server_does_not_go_on(score: Score, capsys: pytest.CaptureFixture[str]) -> None:
    """A run goes on with the server that has its batch."""
    assert score("clips", "--out", "results.csv", server="http://127.0.0.1:9") == 1
    assert "begun with another server, http://127.0.0.1:" in capsys.readouterr().err


@pytest.mark.slow
def test_a_batch_that_is_gone_is_told(
    interrupted: Path, http: httpx.Client, score: Score, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the server has erased the batch, the command says how to begin anew."""
    state: dict[str, Any] = json.loads(interrupted.read_text())
    assert http.delete(f"/batches/{state['batch_id']}").status_code == 204
    assert score("clips", "--out", "results.csv") == 1
    err = capsys.readouterr().err
    assert "The server no longer has this run's batch" in err
    assert "Delete results.csv.state.json to begin anew." in err


@pytest.mark.usefixtures("clips")
def test_a_refused_option_leaves_nothing(score: Score, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that is not there is told by the API's sentence, and no state stands in the way."""
    assert score("clips", "--out", "results.csv", "--model", "none-such") == 1
    err = capsys.readouterr().err
    assert "none-such" in err
    assert "Traceback" not in err
    assert names() == ["clips"]


@pytest.mark.usefixtures("clips")
def test_results_are_not_overwritten(
    score: Score, workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    """Finished results stay what they are, unless that is asked for."""
    workers.allow()
    Path("results.csv").write_text("mine")
    assert score("clips", "--out", "results.csv") == 1
    assert "results.csv is there already" in capsys.readouterr().err
    assert Path("results.csv").read_text() == "mine"
    assert score("clips", "--out", "results.csv", "--overwrite") == 0
    assert len(read()) == 6


@pytest.mark.slow
@pytest.mark.usefixtures("clips")
def test_cancelled_jobs_are_told(live: LiveApi, http: httpx.Client, engine: Engine) -> None:
    """A batch that someone cancels ends the run, with rows that say so."""
    process = start(live, "clips", "--out", "results.csv")
    wait_until(lambda: references(engine) == SENT)
    (batch,) = http.get("/batches").json()["batches"]
    http.post(f"/batches/{batch['batch_id']}/cancel")
    _, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0
    assert b"5 cancelled" in err
    assert {row["status"] for row in read()[:5]} == {"cancelled"}


@pytest.mark.usefixtures("clips")
def test_a_data_set_is_scored_and_evaluated(
    score: Score, workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    """A manifest's labels stand beside the results, and `evaluate` takes the file as it is."""
    workers.allow()
    rows = [
        "path,emotion,speaker",
        "clips/a.mp4,anger,P1",
        "clips/b-bad.mp4,anger,P1",
        "clips/c.mp4,happy,P2",
    ]
    Path("list.csv").write_text("\n".join(rows))

    assert score("list.csv", "--out", "results.csv") == 0
    assert "`avemotion evaluate results.csv` compares them with what is true." in capsys.readouterr().err
    assert [(row["path"], row["true_emotion"], row["speaker"]) for row in read()] == [
        ("clips/a.mp4", "anger", "P1"),
        ("clips/b-bad.mp4", "anger", "P1"),
        ("clips/c.mp4", "happy", "P2"),
    ]

    with pytest.raises(SystemExit) as ended:
        app(["evaluate", "results.csv", "--json", "figures.json", "--html", "page.html"])
    assert ended.value.code == 0
    figures = json.loads(Path("figures.json").read_text())
    assert figures["failed"] == {"no_face_found": 1}
    assert figures["report"]["rates"]["war"]["value"] == 0.5
    assert figures["war_with_failures"]["value"] == pytest.approx(1 / 3)
    assert "The model has not been trained" in Path("page.html").read_text()

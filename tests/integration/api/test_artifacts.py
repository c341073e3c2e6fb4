from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import Engine, update

from shared.schemas.jobs import JobDocument
from shared.storage import Storage
from shared.tables import JobStatus, Stage, StageName
from tests.integration.api.conftest import Client, Predict, job_id_of
from tests.integration.api.rows import add_output, add_segment, change

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def job_id(predict: Predict) -> UUID:
    return job_id_of(predict())


def test_faces_of_all_segments(client: Client, job_id: UUID, engine: Engine, storage: Storage) -> None:
    """faces.csv is the segments' tables one after the other in the order of time, with one header."""
    second, first = add_segment(engine, job_id, 1), add_segment(engine, job_id, 0)
    row = b"1, 0.5\n" * 100_000
    add_output(engine, storage, second, StageName.FACES, faces_csv=b"frame, x\n" + b"9, 1\n")
    assert client.get(f"/jobs/{job_id}/artifacts/faces.csv").status_code == 404, "one is still missing"
    add_output(engine, storage, first, StageName.FACES, faces_csv=b"frame, x\n" + row)
    answer = client.get(f"/jobs/{job_id}/artifacts/faces.csv")
    assert answer.status_code == 200
    assert answer.data == b"frame, x\n" + row + b"9, 1\n"
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{job_id}-faces.csv"'


def test_timeline(client: Client, job_id: UUID, engine: Engine) -> None:
    """timeline.csv has a row a window, with a column a label in the model's order."""
    add_segment(engine, job_id)
    answer = client.get(f"/jobs/{job_id}/artifacts/timeline.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["start_s"] for row in rows] == ["0.0", "2.0"]
    assert rows[0] == {
        "start_s": "0.0",
        "end_s": "2.0",
        "p_anger": "0.75",
        "p_joy": "0.25",
        "valence": "-0.5",
        "arousal": "0.125",
        "modalities": "video+audio",
        "face_coverage": "0.5",
        "voice_activity": "0.25",
    }


def test_timeline_before_the_first_window(client: Client, job_id: UUID) -> None:
    """timeline.csv of a job with no window yet has its header alone."""
    answer = client.get(f"/jobs/{job_id}/artifacts/timeline.csv")
    assert answer.text.splitlines() == [
        "start_s,end_s,valence,arousal,modalities,face_coverage,voice_activity"
    ]


def test_result(client: Client, job_id: UUID, engine: Engine) -> None:
    """result.json is there once the job has ended, and is the job's document."""
    address = f"/jobs/{job_id}/artifacts/result.json"
    early = client.get(address)
    assert (early.status_code, early.json["code"]) == (404, "not_found")
    change(engine, job_id, status=JobStatus.FAILED, error_code="no_sound", error_message="Silent.")
    assert client.get(address).json == client.get(f"/jobs/{job_id}").json
    JobDocument.model_validate(client.get(address).json)


@pytest.mark.parametrize(
    "picture",
    [("mel", StageName.SOUND), ("mfcc", StageName.SOUND), ("sequence", StageName.FUSION)],
)
def test_pictures(
    client: Client, job_id: UUID, engine: Engine, storage: Storage, picture: tuple[str, StageName]
) -> None:
    """A picture is that of the segment asked for, the first one unless told otherwise."""
    name, stage = picture
    for index in (0, 1):
        output = {f"{name}_png": PNG + bytes([index])}
        add_output(engine, storage, add_segment(engine, job_id, index), stage, **output)
    address = f"/jobs/{job_id}/artifacts/{name}.png"
    first = client.get(address)
    assert (first.data, first.content_type) == (PNG + b"\0", "image/png")
    assert first.headers["Content-Disposition"].startswith("inline; ")
    assert client.get(f"{address}?segment=1").data == PNG + b"\1"
    none = client.get(f"{address}?segment=2")
    assert (none.status_code, none.json["code"]) == (404, "not_found")
    assert client.get(f"{address}?segment=-1").status_code == 422


@pytest.mark.parametrize("name", ["faces.csv", "mel.png", "mfcc.png", "sequence.png"])
def test_not_there_yet(client: Client, job_id: UUID, name: str) -> None:
    """An artifact that has not been made yet is not found, in so many words."""
    answer = client.get(f"/jobs/{job_id}/artifacts/{name}")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert answer.json["detail"].endswith(".")


def test_files_removed_by_the_janitor(client: Client, job_id: UUID, engine: Engine, storage: Storage) -> None:
    """Artifacts whose files are gone are said to be, although the rows still name them."""
    segment = add_segment(engine, job_id)
    for key in (
        *add_output(engine, storage, segment, StageName.FACES, faces_csv=b"a\n"),
        *add_output(engine, storage, segment, StageName.SOUND, mel_png=PNG),
    ):
        storage.delete(key)
    for name in ("faces.csv", "mel.png"):
        answer = client.get(f"/jobs/{job_id}/artifacts/{name}")
        assert (answer.status_code, answer.json["code"]) == (410, "artifact_gone")


@pytest.mark.parametrize("name", ["crops.npy", "faces.csv.bak", "..", "passwd"])
def test_other_names(client: Client, job_id: UUID, name: str) -> None:
    """Nothing but the artifacts can be fetched."""
    assert client.get(f"/jobs/{job_id}/artifacts/{name}").status_code == 404


def test_list(client: Client, job_id: UUID, engine: Engine, storage: Storage) -> None:
    """The list names what can be fetched at this moment, and the time that each picture shows."""
    address = f"/jobs/{job_id}/artifacts"
    assert [each["name"] for each in client.get(address).json["artifacts"]] == ["timeline.csv"]
    segments = [add_segment(engine, job_id, index) for index in (0, 1)]
    add_output(engine, storage, segments[0], StageName.FACES, faces_csv=b"a\n")
    add_output(engine, storage, segments[1], StageName.FUSION, sequence_png=PNG)
    found = client.get(address).json["artifacts"]
    assert [each["name"] for each in found] == ["timeline.csv", "sequence.png"], "a table is missing"
    picture = {"segment": 1, "start_s": 10.0, "end_s": 20.0}
    assert found[1] == {"name": "sequence.png", "href": f"{address}/sequence.png?segment=1", **picture}
    add_output(engine, storage, segments[1], StageName.FACES, faces_csv=b"a\n")
    change(engine, job_id, status=JobStatus.SUCCEEDED)
    found = client.get(address).json["artifacts"]
    assert [each["name"] for each in found] == ["result.json", "timeline.csv", "faces.csv", "sequence.png"]
    for each in found:
        assert client.get(each["href"]).status_code == 200
    change(engine, job_id, status=JobStatus.FAILED, tidied_at=datetime.now(UTC))
    found = client.get(address).json["artifacts"]
    assert [each["name"] for each in found] == ["result.json", "timeline.csv"], (
        "files of failures are removed"
    )


def test_artifacts_that_made_room(client: Client, job_id: UUID, engine: Engine, storage: Storage) -> None:
    """Of a job whose files were removed before it, the list names what rows give; the files are gone."""
    for stage, name in ((StageName.FACES, "faces_csv"), (StageName.FUSION, "sequence_png")):
        [key] = add_output(engine, storage, add_segment(engine, job_id, len(name)), stage, **{name: PNG})
        storage.delete(key)
    now = datetime.now(UTC)
    change(engine, job_id, status=JobStatus.SUCCEEDED, tidied_at=now, artifacts_dropped_at=now)

    found = client.get(f"/jobs/{job_id}/artifacts").json["artifacts"]

    assert [each["name"] for each in found] == ["result.json", "timeline.csv"]
    for each in found:
        assert client.get(each["href"]).status_code == 200
    gone = client.get(f"/jobs/{job_id}/artifacts/sequence.png?segment={len('sequence_png')}")
    assert (gone.status_code, gone.json["code"]) == (410, "artifact_gone")


def test_list_of_sound(client: Client, job_id: UUID, engine: Engine, storage: Storage) -> None:
    """A picture of sound shows a little of what lies outside its segment, and the list says how much."""
    segment = add_segment(engine, job_id, 1)
    add_output(engine, storage, segment, StageName.SOUND, mel_png=PNG)
    with engine.begin() as connection:
        connection.execute(update(Stage).values(output={"mel_png": "k", "shown_s": [9.0, 21.0]}))
    found = client.get(f"/jobs/{job_id}/artifacts").json["artifacts"]
    assert (found[1]["start_s"], found[1]["end_s"]) == (9, 21)


def test_unknown_job(client: Client) -> None:
    """A job that is not there has no artifacts."""
    for address in ("artifacts", "artifacts/result.json"):
        answer = client.get(f"/jobs/{UUID(int=1)}/{address}")
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")

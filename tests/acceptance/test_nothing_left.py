"""Erasure, proved: what was erased is searched for wherever the service keeps anything."""

from __future__ import annotations

import hashlib
import json
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from shared.database import transact
from shared.tables import Batch, Job, Prediction, Upload
from tests.acceptance import places
from tests.acceptance.service import Service
from tests.servers import wait_until

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Person:
    """What tells of somebody: words that were sent, and what the service made of them.

    Attributes:
        ids: Of the jobs and of the upload.
        words: All else: names, hashes, bytes of the media, results.
    """

    ids: frozenset[str]
    words: frozenset[str]


def clip_of(face_clip: Path, name: str) -> bytes:
    """Return a clip with somebody's name among its bytes, where players skip them."""
    return face_clip.read_bytes() + struct.pack(">I4s", 8 + len(name), b"free") + name.encode()


def results_of(service: Service, job_id: str) -> set[str]:
    """Return what was scored, a text a window: together such numbers are nobody else's."""
    query = select(Prediction.probabilities).where(Prediction.job_id == UUID(job_id))
    found = transact(service.engine, lambda session: session.scalars(query).all())
    return {json.dumps(row) for row in found if row}


def score(service: Service, face_clip: Path) -> tuple[Person, dict[str, Any]]:
    """Score a clip by itself and in a batch, with all that a client may tell along, to the end."""
    name = f"anna-{uuid4().hex}"
    clip = clip_of(face_clip, name)
    form = {"file": (f"{name}.mp4", clip, "video/mp4")}
    upload = service.http.post("/upload/video", files=form).json()["id"]
    video = {"video_id": upload}
    posted = service.http.post("/predict", json=video, headers={"Idempotency-Key": f"key-of-{name}"})
    batch = service.http.post("/batches", json={"name": f"clips of {name}"}).json()["batch_id"]
    chunk = {"jobs": [{**video, "reference": f"/home/{name}.mp4"}]}
    other = service.http.post(f"/batches/{batch}/jobs", json=chunk).json()["jobs"][0]["job_id"]
    document = service.end_of(posted.json()["job_id"])
    service.assert_scored_once(document)
    service.assert_scored_once(service.end_of(other))
    # Somebody looks at it.
    for artifact in service.http.get(f"/jobs/{document['job_id']}/artifacts").json()["artifacts"]:
        assert service.http.get(artifact["href"]).status_code == 200
    words = {name, hashlib.sha256(clip).hexdigest(), *results_of(service, document["job_id"])}
    return Person(frozenset({document["job_id"], other, upload, batch}), frozenset(words)), {
        "jobs": [document["job_id"], other],
        "batch": batch,
    }


def found_in(place: bytes, words: frozenset[str]) -> set[str]:
    return {word for word in words if word.encode() in place}


def delete_each(service: Service, made: dict[str, Any]) -> None:
    for job in made["jobs"]:
        assert service.http.delete(f"/jobs/{job}").status_code == 204
    assert service.http.delete(f"/batches/{made['batch']}").status_code == 204


def delete_everything(service: Service, _made: dict[str, Any]) -> None:
    assert service.http.delete("/jobs", params={"all": "true"}).status_code == 204


def let_time_pass(service: Service, _made: dict[str, Any]) -> None:
    """Let a month pass for all that is there."""
    past = func.now() - func.make_interval(0, 0, 0, 31)
    for change in (
        update(Upload).values(expires_at=past),
        update(Job).values(expires_at=past),
        update(Batch).values(created_at=past),
    ):
        transact(service.engine, lambda session, each=change: session.execute(each))  # type: ignore[misc]


@pytest.mark.parametrize(
    "erase",
    [
        delete_each,
        delete_everything,
        let_time_pass,
    ],
)
def test_nothing_is_left_of_a_person(
    service: Service, face_clip: Path, erase: Callable[[Service, dict[str, Any]], None]
) -> None:
    """After an erasure no table, file, message, log line or metric has names, hashes, media or results.

    Ids are in logs alone, so that an operator can tell what was done.
    """
    person, made = score(service, face_clip)
    # The search finds what there is: else finding nothing would say nothing.
    before = found_in(places.database(service), person.words | person.ids)
    assert before == person.words | person.ids
    assert len(person.words) >= 2 + 2
    stored = found_in(places.storage(service), person.words | person.ids)
    assert stored & person.words
    assert len(stored & person.ids) >= 2

    erase(service, made)

    wait_until(lambda: not found_in(places.database(service), person.ids))
    wait_until(lambda: not found_in(places.valkey(service), person.ids), 60)
    # A file that comes late would come now.
    time.sleep(2 * service.settings.janitor_interval_s)
    for place in (places.database, places.storage, places.valkey, places.metrics):
        assert found_in(place(service), person.words | person.ids) == set(), place.__name__
    # Logs would write a result in Python's way.
    told = person.words | {word.replace('"', "'") for word in person.words}
    assert found_in(places.logs(service), told) == set()
    assert found_in(places.logs(service), frozenset(made["jobs"])) == set(made["jobs"])

"""A job is one trace from its request to its end, and its log lines say which."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from shared.tables import StageName
from tests import media_factory
from tests.acceptance.seeing import PATIENCE, Watched, watched_service
from tests.collector import Seen
from tests.receiver import running_receiver

pytestmark = pytest.mark.slow

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
STAGES = [name.value for name in StageName]
# Ids, names of ours, codes and numbers: nothing that a user has written.
ATTRIBUTES = {
    *("avemotion.job_id", "avemotion.segment_id", "avemotion.webhook_id", "avemotion.stage"),
    *("avemotion.queue", "avemotion.model", "avemotion.analyzer", "avemotion.attempt", "avemotion.losses"),
    *("avemotion.windows", "avemotion.batch_windows", "avemotion.outcome", "avemotion.try"),
    *("avemotion.messages", "avemotion.sent", "avemotion.losses"),
    *("http.request.method", "http.route", "http.response.status_code", "error.type"),
}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A service of this module's own."""
    folder = tmp_path_factory.mktemp("traces")
    with watched_service(folder, webhook_allow_private=True, **PATIENCE) as running:
        yield running


def only(spans: list[Seen], name: str) -> Seen:
    [span] = [span for span in spans if span.name == name]
    return span


def test_a_job_is_one_trace_that_its_log_lines_name(watched: Watched, face_clip: Path) -> None:
    """Request, sending, waits, stages and webhook stand in the caller's trace; log lines name it.

    The model's batch is a trace of its own, linked to the job's both ways.
    """
    service, collector = watched
    marks = watched.marks()
    upload = service.upload(face_clip)
    with running_receiver() as receiver:
        answer = service.http.post(
            "/predict",
            json={"video_id": upload, "webhook_url": receiver.url("/told")},
            headers={"traceparent": CALLER},
        )
        job_id = answer.json()["job_id"]
        service.assert_scored_once(service.end_of(job_id))
        [told] = receiver.await_taken("/told")
        spans = collector.await_spans(job_id, "POST /predict", *STAGES, "webhook")

    assert "traceparent" not in told.headers
    root = only(spans, "POST /predict")
    _, caller_trace, caller_span, _ = CALLER.split("-")
    assert (root.trace_id, root.parent_id) == (caller_trace, caller_span)
    assert root.attributes["http.response.status_code"] == 202
    children = [span.name for span in spans if span.parent_id == root.span_id]
    # It begins with the transaction that the request ends with, by another clock.
    children.remove("queue ingest")
    assert children == [
        "publish",
        *("ingest", "faces", "sound", "fusion", "queue inference", "inference", "webhook"),
    ]
    assert {span.process for span in spans} == {
        f"avemotion-{role}" for role in ("api", "media", "inference", "janitor")
    }
    for name in STAGES:
        span = only(spans, name)
        assert (span.attributes["avemotion.outcome"], span.failed) == ("done", False)
        resource = "inference" if name == "inference" else "media"
        assert span.attributes["avemotion.queue"] == f"{resource}.interactive.{name}"
    inference = only(spans, "inference")
    assert inference.attributes["avemotion.windows"] == inference.attributes["avemotion.batch_windows"] == 2
    batch = next(span for span in collector.spans if span.span_id in inference.links)
    assert batch.links == {inference.span_id}
    assert batch.trace_id != root.trace_id
    assert [span.name for span in collector.spans if span.parent_id == batch.span_id] == ["model"]
    assert {name for span in collector.spans for name in span.attributes} <= ATTRIBUTES

    lines = watched.lines_since(marks)
    of_stages = [line for line in lines if line.get("stage") in STAGES]
    assert {line["stage"] for line in of_stages} == set(STAGES)
    for line in of_stages:
        if line["stage"] == "inference":
            assert (line["job_ids"], line["trace_id"]) == ([job_id], batch.trace_id)
            assert len(line["segment_ids"]) == 1
        else:
            assert (line["job_id"], line["trace_id"]) == (job_id, root.trace_id)
            assert ("segment_id" in line) == (line["stage"] != "ingest")
            UUID(line.get("segment_id", job_id))


def test_a_failed_job_says_why(watched: Watched, tmp_path: Path) -> None:
    """The stage that failed carries the error's code, and no text of it; nothing holds the file's name."""
    service, collector = watched
    sound = media_factory.encoded_audio(tmp_path / "secret-name.mp4", "aac")
    marks = watched.marks()
    with sound.open("rb") as file:
        upload = service.http.post("/upload/video", files={"file": (sound.name, file)}).json()["id"]
    job_id = service.predict(video_id=upload)
    assert service.end_of(job_id)["error"]["code"] == "no_video_stream"

    spans = collector.await_spans(job_id, "ingest")

    ingest = only(spans, "ingest")
    assert ingest.failed
    assert ingest.attributes["error.type"] == "no_video_stream"
    lines = watched.lines_since(marks)
    assert [(line["code"], line["trace_id"]) for line in lines if line.get("job_id") == job_id] == [
        ("no_video_stream", ingest.trace_id)
    ]
    assert "secret-name" not in repr(spans) + repr(lines)


def test_what_a_caller_does_not_sample_makes_no_spans(watched: Watched, tmp_path: Path) -> None:
    """The caller's choice holds for the whole job, which costs the workers nothing then."""
    service, collector = watched
    upload = service.upload(media_factory.encoded_audio(tmp_path / "sound.mp4", "aac"))
    header = {"traceparent": f"{CALLER[:-1]}0".replace("0af7", "1bf7")}
    answer = service.http.post("/predict", json={"video_id": upload}, headers=header)
    job_id = answer.json()["job_id"]
    assert service.end_of(job_id)["status"] == "failed"
    # Those of a later job come after any of this one.
    later = service.predict(video_id=upload)
    service.end_of(later)
    collector.await_spans(later, "POST /predict", "ingest")

    assert collector.of_job(job_id) == []
    assert not {span.trace_id for span in collector.spans if span.trace_id.startswith("1bf7")}


def test_each_job_of_a_chunk_has_a_trace_of_its_own(watched: Watched, face_clip: Path) -> None:
    """Their roots link to the request that made them."""
    service, collector = watched
    upload = service.upload(face_clip)
    batch_id = service.http.post("/batches", json={}).json()["batch_id"]
    body = {"jobs": [{"video_id": upload, "reference": name} for name in ("one", "two")]}
    told = service.http.post(f"/batches/{batch_id}/jobs", json=body).json()["jobs"]
    for each in told:
        service.assert_scored_once(service.end_of(each["job_id"]))

    traces = [collector.await_spans(each["job_id"], "job", *STAGES) for each in told]

    [request] = [span for span in collector.spans if span.name == "POST /batches/<uuid:batch_id>/jobs"]
    roots = [only(spans, "job") for spans in traces]
    assert len({root.trace_id for root in roots}) == 2
    for root, spans in zip(roots, traces, strict=True):
        assert (root.parent_id, root.links) == ("", {request.span_id})
        assert {span.parent_id for span in spans if span.name in STAGES} == {root.span_id}


def test_a_trace_goes_on_after_a_killed_worker(watched: Watched, tmp_path: Path) -> None:
    """The loss is marked where the lease ran out; whoever ran the stage again stands in the same trace."""
    service, collector = watched
    clip = media_factory.face_video(tmp_path / "clip.mp4", duration_s=6)
    job_id = service.submit(clip)
    assert service.wait_for_lease(job_id, StageName.FACES)
    os.kill(service.child("media"), signal.SIGKILL)
    with service.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE segment_stages SET lease_until = now() WHERE status = 'leased'")
    service.assert_scored_once(service.end_of(job_id))

    spans = collector.await_spans(job_id, "takeback", *STAGES[1:])

    assert only(spans, "takeback").attributes["avemotion.stage"] == "faces"
    assert only(spans, "takeback").process == "avemotion-janitor"
    faces = only(spans, "faces")
    assert faces.attributes["avemotion.losses"] == 1
    assert only(spans, "queue faces").start_ns >= only(spans, "takeback").start_ns - 1_000_000_000
    root = only(spans, "POST /predict")
    assert {span.parent_id for span in spans if span.name in STAGES} == {root.span_id}
    assert only(spans, "fusion").start_ns > faces.start_ns

"""What webhooks tell."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from shared.tables import JobStatus, Priority
from shared.webhooks.documents import MOST_ALERTS, batch_data, event_body, job_data

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULE = {"when": "anger", "over": 0.5, "under": None, "for_s": 0}


def job(**changes: Any) -> Any:
    """Return the row of a job that succeeded."""
    values = {
        "id": uuid4(),
        "status": JobStatus.SUCCEEDED,
        "stage": None,
        "segments_done": 1,
        "segments_total": 1,
        "attempt": 2,
        "batch_id": uuid4(),
        "reference": "crème.mp4",
        **dict.fromkeys(("created_at", "started_at", "finished_at", "expires_at"), NOW),
        **dict.fromkeys(("video_id", "audio_id", "error_code", "error_message", "media", "analyzer_info")),
        "fusion": "early",
        "analyzer": "landmarker",
        "model": "some",
        "window_s": 2.0,
        "stride_s": 2.0,
        "priority": Priority.BULK,
        "rules": [RULE],
        "summary": {"emotion": "anger"},
        "model_info": {"id": "some", "trained": True, "labels": ["anger"]},
        "warnings": [{"code": "short_clip", "message": "…"}],
        "stage_seconds": {},
        "webhook_url": "https://example.org/?token=secret",
    }
    return SimpleNamespace(**(values | changes))


def window(number: int, level: float) -> Any:
    """Return a scored window."""
    return SimpleNamespace(
        start_s=2.0 * number,
        end_s=2.0 * number + 2,
        probabilities={"anger": level},
        valence=0.0,
        arousal=0.0,
        modalities=["video"],
        face_coverage=1.0,
        voice_activity=None,
    )


def test_event_of_a_job_is_short() -> None:
    """It has what a receiver acts on, and says where the rest is; nothing of where it goes itself."""
    row = job()

    data = job_data(row, [window(0, 0.9), window(1, 0.1)])

    assert set(data) == {
        *("job_id", "status", "attempt", "batch_id", "reference", "created_at", "finished_at", "error"),
        *("summary", "alerts", "alerts_total", "model", "warnings", "result"),
    }
    assert data["alerts"] == [{"rule": 0, "when": "anger", "start_s": 0.0, "end_s": 2.0, "peak": 0.9}]
    assert data["model"] == {"id": "some", "trained": True}
    assert data["warnings"] == ["short_clip"]
    assert data["result"] == f"/jobs/{row.id}"
    assert "secret" not in str(data)


def test_many_alerts_are_cut_and_counted() -> None:
    """A rule that holds in hundreds of spans does not make the body long."""
    windows = [window(number, number % 2) for number in range(400)]

    data = job_data(job(), windows)

    assert len(data["alerts"]) == MOST_ALERTS
    assert data["alerts_total"] == 200
    assert len(event_body("job.succeeded", NOW, data)) < 16_384


def test_failed_job_tells_its_error() -> None:
    """Without a model or a summary the event has what there is."""
    row = job(
        status=JobStatus.FAILED,
        model_info=None,
        summary=None,
        warnings=[],
        error_code="no_sound",
        error_message="There is no sound.",
    )

    data = job_data(row, ())

    assert data["error"] == {"code": "no_sound", "message": "There is no sound."}
    assert (data["status"], data["summary"], data["model"]) == ("failed", None, None)


def test_event_of_a_batch_is_its_document() -> None:
    """Less what is said of the webhook itself, which changes from try to try."""
    data = batch_data({"batch_id": "b", "counts": {}, "webhook": {"attempts": 3}})

    assert data == {"batch_id": "b", "counts": {}, "results": "/batches/b/results.csv"}


def test_body_is_compact_and_in_its_own_letters() -> None:
    """The body is JSON as the specification has it: type, timestamp, data."""
    body = event_body("job.failed", NOW, {"reference": "crème"})

    assert (
        body == '{"type":"job.failed","timestamp":"2026-01-01T00:00:00+00:00","data":{"reference":"crème"}}'
    )
    assert json.loads(body)["type"] == "job.failed"

"""Batches as a client makes them, and their jobs as workers would have left them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func

from shared.tables import JobStatus
from tests.integration.api.conftest import Client, Upload
from tests.integration.api.rows import add_segment, change

MakeBatch = Callable[..., str]
AddJobs = Callable[..., list[dict[str, Any]]]
MEDIA = {"duration_s": 4.5, "fps": 25.0, "width": 640, "height": 480, "sample_rate": 16000}
FACES = {"name": "landmarker", "version": "1", "faces_found": 1, "usable_frames": 3, "frames": 4}


@pytest.fixture
def batch(client: Client) -> MakeBatch:
    """Make a batch and return its id."""

    def make(**body: Any) -> str:
        answer = client.post("/batches", json=body)
        assert answer.status_code == 201, answer.json
        return str(answer.json["batch_id"])

    return make


@pytest.fixture
def add(client: Client, upload: Upload) -> AddJobs:
    """Add jobs of one and the same video to a batch, by their references, and return what is told of them."""

    def send(batch_id: str, *references: str, **options: Any) -> list[dict[str, Any]]:
        video_id = upload()
        jobs = [{"video_id": video_id, "reference": name, **options} for name in references]
        answer = client.post(f"/batches/{batch_id}/jobs", json={"jobs": jobs})
        assert answer.status_code == 202, answer.json
        told: list[dict[str, Any]] = answer.json["jobs"]
        return told

    return send


def succeed(engine: Engine, job: dict[str, Any], **more: Any) -> UUID:
    """Let a job have ended well: with a segment, and with a summary as of two emotions."""
    job_id = UUID(job["job_id"])
    add_segment(engine, job_id)
    change(
        engine,
        job_id,
        **{
            "status": JobStatus.SUCCEEDED,
            "summary": {
                "emotion": "anger",
                "probabilities": {"anger": 0.75, "joy": 0.25},
                "valence": -0.5,
                "arousal": 0.125,
                "confidence": 0.75,
            },
            "media": MEDIA,
            "analyzer_info": FACES,
            "started_at": func.now(),
            "finished_at": func.now(),
        }
        | more,
    )
    return job_id


def fail(engine: Engine, job: dict[str, Any], code: str = "no_face_found", **more: Any) -> UUID:
    """Let a job have failed before its media were seen."""
    job_id = UUID(job["job_id"])
    values = {"error_code": code, "error_message": "It could not be scored.", "finished_at": func.now()}
    change(engine, job_id, status=JobStatus.FAILED, started_at=func.now(), **(values | more))
    return job_id

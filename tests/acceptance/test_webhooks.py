"""Who asked for it is told of the end, by a stack that set itself up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.service import Service
from tests.receiver import running_receiver

# The first job of a service waits for its model.
JOB_LIMIT_S = 200


@pytest.mark.slow
def test_ends_of_a_job_and_of_its_batch_are_told(service: Service, face_clip: Path) -> None:
    """A clip's event has its summary and alerts, its batch's the counts; both are signed."""
    secret = service.settings.webhook_secret
    assert secret is not None
    with running_receiver() as receiver:
        made = service.http.post("/batches", json={"webhook_url": receiver.url("/batch")})
        batch_id = made.json()["batch_id"]
        job = {
            "video_id": service.upload(face_clip),
            "webhook_url": receiver.url("/job"),
            "rules": [{"when": "arousal", "over": -1}],
        }
        [told] = service.http.post(f"/batches/{batch_id}/jobs", json={"jobs": [job]}).json()["jobs"]
        service.http.post(f"/batches/{batch_id}/close")
        document = service.end_of(told["job_id"], limit_s=JOB_LIMIT_S)

        [of_job] = receiver.await_taken("/job")
        [of_batch] = receiver.await_taken("/batch")

    event = of_job.verified(secret.get_secret_value())
    assert event["type"] == "job.succeeded"
    assert event["data"]["summary"] == document["summary"]
    assert event["data"]["alerts"] == document["alerts"] != []
    finished = of_batch.verified(secret.get_secret_value())
    assert finished["type"] == "batch.finished"
    assert finished["data"]["counts"]["succeeded"] == 1

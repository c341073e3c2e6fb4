"""A real janitor delivers to real receivers."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from shared.database import transact
from shared.keys import create_key
from shared.tables import Job
from shared.webhooks.care import resend_webhooks
from shared.webhooks.secrets import make_secret, secrets_for, write_secret
from tests.integration.api.conftest import Client, Upload
from tests.integration.api.webhooks.conftest import SECRET, End, EndOf, Start, await_state
from tests.receiver import Receiver, status
from tests.servers import wait_until


def test_event_of_a_job(client: Client, receiver: Receiver, start: Start, ended: EndOf) -> None:
    """The event comes once, signed, with summary, alerts and warnings, and without windows."""
    rule = {"when": "anger", "over": 0.5}
    job_id = ended(receiver.url("/hook"), scored=True, rules=[rule])
    start()

    [delivery] = receiver.await_taken("/hook")
    info = await_state(client, job_id, "delivered")

    event, document = delivery.verified(SECRET), client.get(f"/jobs/{job_id}").json
    assert event["type"] == "job.succeeded"
    assert event["timestamp"] == document["finished_at"]
    data = event["data"]
    assert data["job_id"] == job_id
    assert data["summary"]["emotion"] == "anger"
    assert data["alerts"] == document["alerts"]
    assert len(data["alerts"]) == data["alerts_total"] == 1
    assert data["model"] == {"id": "some", "trained": False}
    assert data["result"] == f"/jobs/{job_id}"
    assert "windows" not in data
    assert (info["id"], info["attempts"], info["last_status"]) == (delivery.id, 1, 204)
    assert len(receiver.taken()) == 1


def test_event_of_a_batch(client: Client, receiver: Receiver, start: Start, upload: Upload, end: End) -> None:
    """A finished batch tells its document, and where its results are."""
    batch_id = client.post("/batches", json={"webhook_url": receiver.url("/batch")}).json["batch_id"]
    body = {"jobs": [{"video_id": upload(), "reference": "a.mp4", "webhook_url": receiver.url("/job")}]}
    [job] = client.post(f"/batches/{batch_id}/jobs", json=body).json["jobs"]
    start()
    end(job["job_id"])
    client.post(f"/batches/{batch_id}/close")

    [delivery] = receiver.await_taken("/batch")
    [of_job] = receiver.await_taken("/job")

    event = delivery.verified(SECRET)
    assert event["type"] == "batch.finished"
    assert event["data"]["batch_id"] == batch_id
    assert event["data"]["counts"]["succeeded"] == event["data"]["counts"]["total"] == 1
    assert event["data"]["results"] == f"/batches/{batch_id}/results.csv"
    assert of_job.verified(SECRET)["data"]["reference"] == "a.mp4"
    wait_until(lambda: client.get(f"/batches/{batch_id}").json["webhook"]["state"] == "delivered")


def test_failure_is_tried_again(client: Client, receiver: Receiver, start: Start, ended: EndOf) -> None:
    """After a refusal the same event comes again under the same id."""
    job_id = ended(receiver.answers("/hook", status(500), status(200)))
    start()

    first, second = receiver.await_taken("/hook", 2)

    assert first.id == second.id
    assert first.body == second.body
    info = await_state(client, job_id, "delivered")
    assert (info["attempts"], info["last_outcome"], info["last_status"]) == (2, "delivered", 200)


def test_dead_receiver_is_given_up_and_may_be_called_again(
    engine: Engine, client: Client, receiver: Receiver, start: Start, ended: EndOf
) -> None:
    """After its tries a webhook is given up and recorded; the operator has it sent again under its id."""
    job_id = ended(receiver.answers("/hook", status(503)))
    start()

    info = await_state(client, job_id, "failed")
    assert (info["attempts"], info["last_outcome"], info["last_status"]) == (3, "rejected", 503)
    assert len(receiver.taken("/hook")) == 3

    receiver.answers("/hook", status(204))
    transact(engine, lambda session: resend_webhooks(session, None))

    await_state(client, job_id, "delivered")
    assert len({each.id for each in receiver.taken("/hook")}) == 1


@pytest.mark.slow
def test_gone_receiver_is_left_alone(client: Client, receiver: Receiver, start: Start, ended: EndOf) -> None:
    """410 ends it at once."""
    job_id = ended(receiver.answers("/hook", status(410)))
    start()

    assert await_state(client, job_id, "failed")["last_outcome"] == "gone"
    assert len(receiver.taken("/hook")) == 1


def test_erased_job_sends_nothing(client: Client, receiver: Receiver, start: Start, ended: EndOf) -> None:
    """A job that is erased before its event went out is not told of; others are."""
    erased = ended(receiver.url("/erased"))
    client.delete(f"/jobs/{erased}")
    kept = ended(receiver.url("/kept"))
    start()

    await_state(client, kept, "delivered")

    assert receiver.taken("/erased") == []


@pytest.mark.slow
def test_address_is_judged_on_delivery(
    client: Client, receiver: Receiver, start: Start, ended: EndOf
) -> None:
    """What was taken when private addresses were allowed is not sent once they are not."""
    job_id = ended(receiver.url("/hook"))
    start(webhook_allow_private=False)

    info = await_state(client, job_id, "failed")

    assert (info["last_outcome"], info["last_status"]) == ("address_refused", None)
    assert receiver.taken() == []


def test_owners_cannot_forge_each_others_events(
    engine: Engine, receiver: Receiver, start: Start, ended: EndOf
) -> None:
    """With API keys an event is signed with what belongs to its owner's key, and nothing else."""
    ended(receiver.url("/hook"))
    with Session(engine) as session, session.begin():
        owner, _ = create_key(session, "lab")
        session.execute(update(Job).values(owner_id=owner))
    start()

    [delivery] = receiver.await_taken("/hook")

    assert delivery.verified(write_secret(secrets_for(SECRET, owner)[0]))
    for other in (SECRET, make_secret(), write_secret(secrets_for(SECRET, uuid4())[0])):
        with pytest.raises(Exception, match="No matching signature"):
            delivery.verified(other)


@pytest.mark.slow
def test_no_log_line_tells_where_to_or_with_what(
    client: Client, receiver: Receiver, start: Start, ended: EndOf, tmp_path: Path
) -> None:
    """Logs of failures hold ids and outcomes: no address, no token in it, no secret, no reference."""
    job_id = ended(receiver.answers("/hook?token=0123456789", status(500)))
    start(log_level="DEBUG")
    await_state(client, job_id, "failed")

    [log] = [path.read_text() for path in tmp_path.glob("janitor-*.log")]

    assert "webhook not delivered" in log
    for word in ("0123456789", "/hook", str(receiver.port), SECRET, SECRET.removeprefix("whsec_")):
        assert word not in log

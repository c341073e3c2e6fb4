"""Asking for webhooks."""

from __future__ import annotations

import threading
from ipaddress import ip_address

import pytest

import api.webhooks
from api import create_app
from shared.settings import Settings
from shared.webhooks.receiver import Receiver
from tests.integration.api.conftest import Client, Predict, Upload, client_of
from tests.integration.api.webhooks.conftest import End
from tests.receiver import Receiver as Server

URL = "https://93.184.215.14/hook"


@pytest.fixture
def strict(settings: Settings) -> Client:
    """A client of an API that allows no private addresses."""
    return client_of(create_app(settings.model_copy(update={"webhook_allow_private": False})))


def refusal(client: Client, video_id: str, url: str) -> list[dict[str, str]]:
    """Return what is said of a webhook's address that is refused."""
    answer = client.post("/predict", json={"video_id": video_id, "webhook_url": url})
    assert (answer.status_code, answer.json["code"]) == (422, "webhook_refused"), answer.json
    errors: list[dict[str, str]] = answer.json["errors"]
    return errors


def test_webhooks_are_off_without_a_secret(settings: Settings, upload: Upload) -> None:
    """Who asks for a webhook where none can be signed is told what the operator has to set."""
    client = client_of(create_app(settings.model_copy(update={"webhook_secret": None})))
    body = {"video_id": upload(), "webhook_url": URL}

    for answer in (client.post("/predict", json=body), client.post("/batches", json={"webhook_url": URL})):
        assert (answer.status_code, answer.json["code"]) == (422, "webhooks_off")
        assert "AVEMOTION_WEBHOOK_SECRET" in answer.json["detail"]
    assert client.post("/predict", json={"video_id": body["video_id"]}).status_code == 202


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://10.1.2.3/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "http://93.184.215.14/",
        "https://user:word@93.184.215.14/",
    ],
)
def test_private_addresses_are_refused_at_once(strict: Client, upload: Upload, url: str) -> None:
    """Loopback in any spelling, private networks, metadata, plain HTTP and credentials answer 422."""
    [error] = refusal(strict, upload(), url)

    assert error["field"] == "webhook_url"
    assert url not in error["message"]


def test_metadata_is_refused_where_private_is_allowed(client: Client, upload: Upload) -> None:
    """Leave for private addresses does not open the cloud's metadata."""
    refusal(client, upload(), "http://169.254.169.254/")


def test_a_name_that_leads_nowhere_yet_is_taken(strict: Client, upload: Upload) -> None:
    """A receiver may come later: deliveries look it up again."""
    body = {"video_id": upload(), "webhook_url": "https://not-yet.invalid/hook"}

    assert strict.post("/predict", json=body).status_code == 202


def test_slow_look_ups_keep_nobody_waiting(
    strict: Client, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that does not answer does not hold the request; the delivery judges the name."""
    over = threading.Event()
    monkeypatch.setattr(api.webhooks, "LOOKUP_LIMIT_S", 0.2)

    def stuck(_: Receiver) -> list[object]:
        over.wait(60)
        return [ip_address("127.0.0.1")]

    monkeypatch.setattr(api.webhooks, "resolve", stuck)

    answer = strict.post("/predict", json={"video_id": upload(), "webhook_url": "https://slow.example/"})

    assert answer.status_code == 202
    over.set()


def test_chunk_names_each_wrong_address(strict: Client, upload: Upload) -> None:
    """Jobs of a batch have webhooks of their own; one that is refused refuses its chunk, and is named."""
    batch_id, video_id = strict.post("/batches", json={"webhook_url": URL}).json["batch_id"], upload()
    jobs = [
        {"video_id": video_id, "reference": str(number), "webhook_url": url}
        for number, url in enumerate([URL, "https://10.0.0.1/", "ftp://example.org/"])
    ]

    answer = strict.post(f"/batches/{batch_id}/jobs", json={"jobs": jobs})

    assert (answer.status_code, answer.json["code"]) == (422, "webhook_refused")
    assert [each["field"] for each in answer.json["errors"]] == ["jobs.1.webhook_url", "jobs.2.webhook_url"]
    assert strict.get(f"/batches/{batch_id}").json["counts"]["total"] == 0
    assert strict.post(f"/batches/{batch_id}/jobs", json={"jobs": jobs[:1]}).status_code == 202


def test_addresses_are_judged_however_many(strict: Client, upload: Upload) -> None:
    """Of many names a few are looked up at once; an address that needs no look-up is always judged."""
    batch_id, video_id = strict.post("/batches", json={}).json["batch_id"], upload()
    hosts = [*(f"name-{number}.invalid" for number in range(40)), "10.0.0.1"]
    jobs = [{"video_id": video_id, "webhook_url": f"https://{host}/"} for host in hosts]

    answer = strict.post(f"/batches/{batch_id}/jobs", json={"jobs": jobs})

    assert [each["field"] for each in answer.json["errors"]] == ["jobs.40.webhook_url"]


def test_document_tells_of_the_webhook(
    client: Client, predict: Predict, upload: Upload, receiver: Server, end: End
) -> None:
    """A job's document says where its webhook stands, by host only; without one it says null."""
    url = receiver.url("/hook?token=secret")
    document = predict(video_id=upload(), webhook_url=url)
    waiting = {
        "id": None,
        "receiver": f"127.0.0.1:{receiver.port}",
        "state": "waiting",
        "attempts": 0,
        "next_try_at": None,
        "last_try_at": None,
        "last_outcome": None,
        "last_status": None,
    }
    assert document["webhook"] == waiting
    assert "secret" not in str(document)
    assert predict()["webhook"] is None

    end(document["job_id"])

    shown = client.get(f"/jobs/{document['job_id']}").json["webhook"]
    assert shown | {"id": None, "next_try_at": None} == waiting | {"state": "pending"}
    assert shown["id"]
    assert shown["next_try_at"]
    listed = {job["job_id"]: job["webhook"] for job in client.get("/jobs").json["jobs"]}
    assert listed[document["job_id"]] == shown


def test_another_receiver_is_another_request(client: Client, upload: Upload) -> None:
    """The webhook belongs to the request: with another under the same key it is another one."""
    video_id, headers = upload(), {"Idempotency-Key": "k"}
    bodies = [{"video_id": video_id, "webhook_url": url} for url in (URL, URL, f"{URL}2")]

    first, again, other = (client.post("/predict", json=body, headers=headers) for body in bodies)

    assert first.json["job_id"] == again.json["job_id"]
    assert (other.status_code, other.json["code"]) == (422, "idempotency_mismatch")

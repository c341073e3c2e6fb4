from __future__ import annotations

import httpx
import pytest

from bench.fuzzed_uploads import LOST, Sender, Tally

SEEDS = {"mp4": bytes(range(256)) * 20, "wav": b"RIFF" + bytes(2000)}


def answering(answer: httpx.Response) -> tuple[Sender, Tally]:
    """Return a sender to a service that always answers the same."""
    tally, transport = Tally(), httpx.MockTransport(lambda _: answer)
    http = httpx.Client(transport=transport, base_url="http://service")
    return Sender(http, tally, SEEDS, 1, 1.0), tally


def test_a_seed_makes_the_same_uploads_again() -> None:
    """An upload is decided by seed and number alone, and no two are the same bytes."""
    one, other = (answering(httpx.Response(200))[0] for _ in range(2))
    assert [one.make(k) for k in range(50)] == [other.make(k) for k in reversed(range(50))][::-1]
    assert len({data for _, data in map(one.make, range(50)) if data}) > 45
    assert {kind for kind, _ in map(one.make, range(50))} == {"video", "audio"}


def test_a_typed_refusal_is_counted_and_no_fault() -> None:
    """415 with a code is what spoilt uploads may end in."""
    sender, tally = answering(httpx.Response(415, json={"code": "unsupported_media"}))
    sender.send(1)
    assert dict(tally.uploads) == {"415 unsupported_media": 1}
    assert tally.faults == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(500, json={"code": "internal_error"}), "answered 500"),
        (httpx.Response(502, text="<html>"), "answered 502"),
        (httpx.Response(415, text="no problem document"), "no answer to be read"),
        (httpx.Response(400, json={"code": "internal_error"}), "ended in 400 internal_error"),
    ],
)
def test_what_no_upload_may_bring_about_is_a_fault(answer: httpx.Response, told: str) -> None:
    """Errors of the service, and answers without a code, are told with the upload's number."""
    sender, tally = answering(answer)
    sender.send(7)
    assert any(told in fault and fault.startswith("upload 7: ") for fault in tally.faults)


@pytest.mark.parametrize("end", ["worker_lost", "internal_error", "timeout"])
def test_a_job_that_ends_by_the_services_fault_is_a_fault(end: str) -> None:
    """A failed job is looked at by its code."""
    document = {"id": "u", "job_id": "j", "status": "failed", "error": {"code": end}}
    sender, tally = answering(httpx.Response(200, json=document))
    sender.send(2)
    assert dict(tally.jobs) == {end: 1}
    assert tally.faults == [f"upload 2: ended in {end}"]


def test_a_job_that_does_not_end_is_a_fault() -> None:
    """Nobody waits for longer than the limit."""
    tally = Tally()
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, json={"id": "u", "job_id": "j", "status": "running", "error": None})
    )
    http = httpx.Client(transport=transport, base_url="http://service")
    Sender(http, tally, SEEDS, 1, 0.01).send(3)
    assert [fault.partition(" has")[0] for fault in tally.faults] == ["upload 3: /jobs/j"]


def test_lost_processes_are_found_in_logs() -> None:
    """Celery's own words for a process that died are recognised."""
    assert LOST.search("Process 'ForkPoolWorker-2' pid:7 exited with 'signal 11 (SIGSEGV)'")
    assert LOST.search("billiard.exceptions.WorkerLostError: Worker exited prematurely")
    assert not LOST.search("a stage ended media_unreadable")

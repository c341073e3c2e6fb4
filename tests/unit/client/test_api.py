from __future__ import annotations

import socket
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from client.api import API_KEY_VARIABLE
from client.problems import ProblemError
from shared.errors import AvemotionError, ErrorCode
from tests.unit.client.calls import Pauses, ask, followed, problem
from tests.unit.client.documents import JOB_ID, make_document, make_open
from tests.unit.client.server import Answer, ScriptedServer, serving

JOB_CALL = f"GET /jobs/{JOB_ID}"
RUNNING = make_open(status="running", stage="faces", progress=0.2)
FINISHED = make_document()


def test_follow_asks_only_for_what_changed(server: ScriptedServer) -> None:
    """Follow sends the last ETag, waits by long poll, and yields nothing for a 304."""
    server.on(
        JOB_CALL,
        Answer(body=RUNNING, headers={"ETag": '"1"'}),
        Answer(304, headers={"ETag": '"1"'}),
        Answer(body=FINISHED, headers={"ETag": '"2"'}),
    )
    assert ask(server.url, followed) == [RUNNING, FINISHED]
    first, second, third = server.calls(JOB_CALL)
    assert "If-None-Match" not in first.headers
    assert first.query == ""
    assert [seen.headers["If-None-Match"] for seen in (second, third)] == ['"1"', '"1"']
    assert {second.query, third.query} == {"wait=20"}


def test_follow_keeps_the_pause_that_is_asked_for(server: ScriptedServer) -> None:
    """A 304 that comes at once is not asked for again before its Retry-After."""
    server.on(
        JOB_CALL,
        Answer(body=RUNNING, headers={"ETag": '"1"', "Retry-After": "9"}),
        Answer(304, headers={"ETag": '"1"', "Retry-After": "9"}),
        Answer(body=FINISHED, headers={"ETag": '"2"'}),
    )
    pauses = Pauses()
    ask(server.url, followed, pauses=pauses)
    after_change, after_nothing = pauses.seconds
    assert after_change < 1
    assert 1 < after_nothing <= 9


def test_follow_does_not_hammer_a_server_without_etags(server: ScriptedServer) -> None:
    """Where nothing says what changed, a pause lies between two requests."""
    server.on(JOB_CALL, Answer(body=RUNNING), Answer(body=RUNNING), Answer(body=FINISHED))
    pauses = Pauses()
    assert len(ask(server.url, followed, pauses=pauses)) == 3
    assert all(seconds > 0.1 for seconds in pauses.seconds)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_passes_is_waited_out(server: ScriptedServer, status: int) -> None:
    """A busy or absent API is asked again after the pause it names."""
    server.on(
        JOB_CALL,
        Answer(status, b"<html>", {"Retry-After": "7"}),
        Answer(body=FINISHED),
    )
    pauses = Pauses()
    assert ask(server.url, followed, pauses=pauses) == [FINISHED]
    assert pauses.seconds == [7]


def test_a_date_is_understood(server: ScriptedServer) -> None:
    """Retry-After may be a date."""
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.on(JOB_CALL, Answer(503, headers={"Retry-After": then}), Answer(body=FINISHED))
    pauses = Pauses()
    ask(server.url, followed, pauses=pauses)
    assert 0 < pauses.seconds[0] <= 30


def test_pauses_grow_where_none_is_named(server: ScriptedServer) -> None:
    """Without Retry-After, each pause is longer than the one before."""
    server.on(JOB_CALL, *[Answer(503)] * 4, Answer(body=FINISHED))
    pauses = Pauses()
    ask(server.url, followed, pauses=pauses)
    assert pauses.seconds == sorted(set(pauses.seconds))
    assert len(pauses.seconds) == 4


def test_patience_ends_with_the_reason(server: ScriptedServer) -> None:
    """A queue that stays full ends in the API's own error."""
    full = problem(ErrorCode.QUEUE_FULL, "Too many.", **{"Retry-After": "3"})
    server.on("POST /predict", full)
    with pytest.raises(ProblemError) as caught:
        ask(server.url, lambda client: client.predict({}), patience_s=2)
    assert caught.value.code is ErrorCode.QUEUE_FULL
    assert caught.value.message == "Too many."
    assert caught.value.problem == full.body


def test_a_wait_longer_than_our_patience_is_not_begun(server: ScriptedServer) -> None:
    """An API that asks for an hour is not kept waiting for, nor asked early."""
    server.on("POST /predict", problem(ErrorCode.QUEUE_FULL, **{"Retry-After": "3600"}))
    pauses = Pauses()
    with pytest.raises(ProblemError):
        ask(server.url, lambda client: client.predict({}), pauses=pauses)
    assert pauses.seconds == []


def test_a_refused_connection_is_a_sentence() -> None:
    """Where nobody listens, a typed error names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(AvemotionError, match=url) as caught:
        ask(url, followed, patience_s=0)
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE


def test_a_restarted_server_is_found_again() -> None:
    """A refused connection is tried again until the server is there."""
    with ExitStack() as later:

        class Restart(Pauses):
            async def __call__(self, seconds: float) -> None:
                await super().__call__(seconds)
                if len(self.seconds) == 2:
                    later.enter_context(serving(port)).on(JOB_CALL, Answer(body=FINISHED))

        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        restart = Restart()
        assert ask(f"http://127.0.0.1:{port}", followed, pauses=restart) == [FINISHED]
        assert len(restart.seconds) == 2


def test_check_ends_the_waiting(server: ScriptedServer) -> None:
    """What check raises is raised at once, without another request."""
    server.on(JOB_CALL, Answer(503))
    tries = []

    def check() -> None:
        tries.append(1)
        if len(tries) > 2:
            raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, "The API died again and again.")

    with pytest.raises(AvemotionError, match="again and again"):
        ask(server.url, followed, check=check)
    assert len(server.calls(JOB_CALL)) == 2


@pytest.mark.parametrize("code", [ErrorCode.UNSUPPORTED_MEDIA, ErrorCode.UNAUTHORIZED, ErrorCode.NOT_FOUND])
def test_what_does_not_pass_is_raised_at_once(server: ScriptedServer, code: ErrorCode) -> None:
    """A refusal is not tried again."""
    server.on("POST /predict", problem(code))
    with pytest.raises(ProblemError) as caught:
        ask(server.url, lambda client: client.predict({}))
    assert caught.value.code is code
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "answer", [Answer(500, b"<html>oops"), Answer(200, b"<html>hello"), Answer(200, [1])]
)
def test_another_server_is_recognised(server: ScriptedServer, answer: Answer) -> None:
    """What is not our API ends in a sentence."""
    server.on("POST /predict", answer)
    with pytest.raises(AvemotionError) as caught:
        ask(server.url, lambda client: client.predict({}))
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE


def test_asking_again_is_the_same_request(server: ScriptedServer) -> None:
    """Each try of one request has one Idempotency-Key; the next request has another."""
    server.on("POST /predict", Answer(503), Answer(202, RUNNING))
    ask(server.url, lambda client: client.predict({"video_id": "1"}))
    ask(server.url, lambda client: client.predict({"video_id": "1"}))
    keys = [seen.headers["Idempotency-Key"] for seen in server.calls("POST /predict")]
    assert keys[0] == keys[1] != keys[2]
    assert server.seen[0].body == server.seen[1].body == b'{"video_id":"1"}'


def test_the_key_is_sent(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the environment goes with every request; without one nothing does."""
    server.on("POST /predict", Answer(202, RUNNING))
    ask(server.url, lambda client: client.predict({}))
    monkeypatch.setenv(API_KEY_VARIABLE, "avm_secret")
    ask(server.url, lambda client: client.predict({}))
    assert "Authorization" not in server.seen[0].headers
    assert server.seen[1].headers["Authorization"] == "Bearer avm_secret"

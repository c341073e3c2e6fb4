from __future__ import annotations

import pytest
from flask_openapi3.openapi import OpenAPI

from api import create_app
from shared.errors import ErrorCode
from shared.schemas.problems import Problem
from shared.settings import Settings
from tests.integration.api.conftest import Client, client_of
from tests.integration.conftest import services_of


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "/nowhere", 404, "not_found"),
        ("get", "/predict", 405, "method_not_allowed"),
        ("put", "/jobs", 405, "method_not_allowed"),
        ("get", "/models/none", 404, "not_found"),
    ],
)
def test_problem_documents(client: Client, method: str, path: str, status: int, code: str) -> None:
    """Every error is a problem document whose type leads to the code's explanation."""
    answer = getattr(client, method)(path)
    assert answer.content_type == "application/problem+json"
    problem = Problem.model_validate(answer.json)
    assert (answer.status_code, problem.status, problem.code) == (status, status, code)
    assert problem.title == ErrorCode.of(code).title
    assert problem.type == f"/docs/errors#{code}"
    assert f'id="{code}"' in client.get("/docs/errors").text


def test_allowed_methods(client: Client) -> None:
    """A wrong method is answered with the right ones."""
    assert "POST" in client.get("/predict").headers["Allow"]


def test_unexpected_error(
    app: OpenAPI, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug shows a number to the client and its traceback to the operator alone."""

    def fail() -> None:
        raise RuntimeError("a secret path")

    monkeypatch.setattr(services_of(app).cards, "all", fail)
    answer = client_of(app).get("/models")
    problem = Problem.model_validate(answer.json)
    assert (answer.status_code, problem.code) == (500, "internal_error")
    assert "secret" not in answer.text
    assert problem.instance is not None
    number = problem.instance.removeprefix("urn:uuid:")
    assert number in problem.detail
    logged = capsys.readouterr()
    assert number in logged.out + logged.err
    assert "a secret path" in logged.out + logged.err


def test_database_away(settings: Settings) -> None:
    """Without a database requests are put off; the process is alive all the same."""
    app = create_app(settings.model_copy(update={"database_url": "postgresql://postgres@127.0.0.1:1/none"}))
    client = client_of(app)
    job = "/jobs/00000000-0000-0000-0000-000000000001"
    for answer in (
        client.get(job),
        client.get(job, headers={"If-None-Match": '"x"'}),
        client.get("/jobs"),
        client.delete(job),
        client.post("/upload/video", data=b"\0\0\0\x18ftypisom" + bytes(20)),
        client.post("/predict", json={"video_id": "00000000-0000-0000-0000-000000000001"}),
    ):
        assert (answer.status_code, answer.json["code"]) == (503, "service_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["status"]) == (503, "unavailable")
    assert ready.json["checks"]["database"]["ok"] is False
    assert ready.json["checks"]["database"]["error"] == "OperationalError"
    metrics = client.get("/metrics")
    assert 'avemotion_up{dependency="database"} 0.0' in metrics.text
    services_of(app).close()

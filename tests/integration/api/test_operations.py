from __future__ import annotations

import json
import re
import subprocess
import sys

from sqlalchemy import Engine

from api import create_app
from api.__main__ import render
from shared.catalog import load_catalog
from shared.schemas.health import Readiness
from shared.schemas.models import ModelList
from shared.settings import Settings
from shared.tables import JobStatus
from tests.integration.api.conftest import REPOSITORY, Client, Predict, client_of, job_id_of
from tests.integration.api.rows import change
from tests.integration.conftest import services_of

HEAVY = ("tensorflow", "keras", "cv2", "librosa", "numpy", "av", "ai_edge_litert")


def test_imports_stay_light() -> None:
    """Importing the API, and making the application, loads no media and no model library."""
    script = (
        "import json, sys, api, api.app;"
        "from shared.settings import Settings;"
        "api.create_app(Settings(database_url='postgresql://h/d', broker_url='redis://h'));"
        "print(json.dumps(sorted(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, check=True)
    assert set(HEAVY).isdisjoint(json.loads(found.stdout))


def test_alive(client: Client) -> None:
    """/healthz says that the process answers."""
    assert client.get("/healthz").json == {"status": "ok"}


def test_ready(client: Client) -> None:
    """/readyz names each thing that was tried."""
    answer = client.get("/readyz")
    found = Readiness.model_validate(answer.json)
    assert (answer.status_code, found.status) == (200, "ready")
    assert {name for name, check in found.checks.items() if check.ok} == {"database", "broker", "storage"}


def test_broker_away_is_no_outage(settings: Settings) -> None:
    """Without the broker the API serves on, and says that it is degraded."""
    app = create_app(settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"}))
    answer = client_of(app).get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["checks"]["broker"]["error"] == "ConnectionError"
    assert 'avemotion_up{dependency="broker"} 0.0' in client_of(app).get("/metrics").text
    services_of(app).close()


def test_storage_away(client: Client, settings: Settings) -> None:
    """Without storage the API is not ready."""
    (settings.data_dir / "storage").rmdir()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["checks"]["storage"]["ok"]) == (503, False)


def test_metrics(client: Client, predict: Predict, engine: Engine) -> None:
    """/metrics counts requests by route, unfinished jobs by state and waiting messages by queue."""
    change(engine, job_id_of(predict()), status=JobStatus.RUNNING)
    ended = predict()["job_id"]
    client.post(f"/jobs/{ended}/cancel")
    predict()
    client.get(f"/jobs/{ended}")
    found = client.get("/metrics").text
    assert 'avemotion_jobs{status="queued"} 1.0' in found
    assert 'avemotion_jobs{status="running"} 1.0' in found
    assert 'avemotion_queue_messages{queue="media.interactive.ingest"} 3.0' in found
    assert 'avemotion_queue_messages{queue="inference.bulk.inference"} 0.0' in found
    assert 'avemotion_up{dependency="database"} 1.0' in found
    assert re.search(
        r'avemotion_http_requests_total\{method="GET",route="/jobs/<uuid:job_id>",status="200"\} \d', found
    )
    assert re.search(
        r'avemotion_http_requests_total\{method="POST",route="/predict",status="202"\} \d', found
    )
    assert ended not in found


def test_models(client: Client, settings: Settings) -> None:
    """/models lists the cards of the catalog, and which one is taken unless told otherwise."""
    found = client.get("/models").json
    ModelList.model_validate(found)
    assert {card["id"] for card in found["models"]} == set(load_catalog(settings.models_dir))
    assert found["default"] == settings.model
    assert set(found["fusions"]) == {"early", "late", "hybrid"}
    fusion_of = {card["id"]: card["fusion"] for card in found["models"]}
    assert all(fusion_of[model] == fusion for fusion, model in found["fusions"].items())
    assert client.get(f"/models/{settings.model}").json in found["models"]
    assert "folder" not in found["models"][0]


def test_the_page_of_a_card(client: Client, settings: Settings) -> None:
    """A trained model's card is there as Markdown, too; of a model without one a sentence says so."""
    page = client.get(f"/models/{settings.model}/CARD.md")
    assert (page.status_code, page.content_type) == (200, "text/markdown; charset=utf-8")
    assert page.text.startswith(f"# {settings.model}\n")
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    none = client.get("/models/videomae-tiny-untrained/CARD.md")
    assert (none.status_code, none.json["code"]) == (404, "not_found")
    assert client.get("/models/none/CARD.md").status_code == 404


def test_pages(client: Client) -> None:
    """The pages come from here alone, and allow nothing from elsewhere."""
    for path in ("/", "/docs", "/docs/", "/docs/errors"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "http" not in re.sub(r"<(a) href=\"/", "", answer.text)
    assert 'href="/docs"' in client.get("/").text
    for path in re.findall(r'(?:src|href)="(/docs/[^"]+)"', client.get("/docs").text):
        assert client.get(path).status_code == 200, path
    assert client.get("/docs/assets/../../../etc/passwd").status_code == 404


def test_contract(client: Client) -> None:
    """The contract that is served is the one that docs/openapi.json shows."""
    assert client.get("/openapi.json").json == json.loads(render())

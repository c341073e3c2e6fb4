"""The release before goes on with its work while the tables are already those of this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from client.stack.process import Process
from client.stack.services import service_processes
from client.stack.stack import Services
from tests.acceptance.release_before import unpack_release_before
from tests.acceptance.service import Service, running_service

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def release_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_release_before(tmp_path_factory.mktemp("before"))


def processes_of(code: Path, old: Sequence[str]) -> Services:
    """Return the service's process table, with some of its processes running other code."""

    def table(env: Mapping[str, str], api_url: str, servers: Sequence[str]) -> list[Process]:
        return [
            replace(each, env={**each.env, "PYTHONPATH": str(code)}) if each.name in old else each
            for each in service_processes(env, api_url, servers)
        ]

    return table


@pytest.fixture(
    scope="module",
    params=[
        ("api", "media", "inference", "janitor"),
        ("api", "janitor"),
        ("media", "inference"),
    ],
    ids=["all old", "old API and janitor", "old workers"],
)
def service(
    request: pytest.FixtureRequest, release_before: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service of which some processes are still those of the release before; the tables are new."""
    folder = tmp_path_factory.mktemp("service")
    with running_service(folder, services=processes_of(release_before, request.param)) as running:
        for name in request.param:
            opened = psutil.Process(running.pid(name)).environ()["PYTHONPATH"]
            assert opened == str(release_before)
        yield running


def test_jobs_end_on_the_newer_tables(service: Service, face_clip: Path) -> None:
    """A job goes through all stages and is scored once, whichever processes are still the old ones."""
    document = service.score(face_clip)

    service.assert_scored_once(document)
    for artifact in service.http.get(f"/jobs/{document['job_id']}/artifacts").json()["artifacts"]:
        assert service.http.get(artifact["href"]).status_code == 200
    assert service.http.delete(f"/jobs/{document['job_id']}").status_code == 204
    with service.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM jobs")) == 0

"""Processes whose storage cannot be used as it is set up."""

from __future__ import annotations

import subprocess
import sys

import pytest

from client.stack.services import service_environment
from shared.settings import Settings
from tests.object_store import ObjectStore

API = ("gunicorn", "-c", "python:api.gunicorn_config", "api:create_app()")


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", [("worker", "janitor"), ("worker", "inference"), API], ids=["janitor", "worker", "api"]
)
def test_a_start_without_a_bucket(settings: Settings, module: tuple[str, ...]) -> None:
    """A process ends at once, and its log says what is wrong, without a traceback."""
    with ObjectStore() as store:
        given = store.settings(storage_url="s3://other/place", port=0)
        env = service_environment(Settings(**(settings.model_dump() | given)))
        done = subprocess.run(
            [sys.executable, "-m", *module], env=env, capture_output=True, text=True, check=False, timeout=120
        )

    assert done.returncode == 1
    assert "The bucket other is not there" in done.stderr
    assert "storage_unusable" in done.stderr
    assert "Traceback" not in done.stderr

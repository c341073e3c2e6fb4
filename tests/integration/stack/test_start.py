"""Processes that cannot run as they are set up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from client.stack.services import service_environment
from shared.settings import Settings
from tests.object_store import ObjectStore

NOWHERE = "127.0.0.1:1"
DATABASE, BROKER = f"postgresql://nobody@{NOWHERE}/none", f"redis://{NOWHERE}/0"
API = ("gunicorn", "-c", "python:api.gunicorn_config", "api:create_app()")
JANITOR, MEDIA, MIGRATIONS, FLOWER = (
    ("worker", "janitor"),
    ("worker", "media"),
    ("migrations",),
    ("worker.flower",),
)
NO_DATABASE = ({"AVEMOTION_DATABASE_URL": ""}, "invalid_settings", "AVEMOTION_DATABASE_URL is not set")
NO_BROKER = ({"AVEMOTION_BROKER_URL": ""}, "invalid_settings", "AVEMOTION_BROKER_URL is not set")
NO_NUMBER = ({"AVEMOTION_LEASE_S": "long"}, "invalid_settings", "AVEMOTION_LEASE_S: ")
NO_ADDRESS = (
    {"AVEMOTION_DATABASE_URL": "x://y"},
    "invalid_settings",
    "AVEMOTION_DATABASE_URL is no address of ",
)
NO_SERVER = ({}, "service_unavailable", "The database does not answer")


def log_of_refusal(program: tuple[str, ...], env: Mapping[str, str]) -> str:
    """Return what a process logs that ends at once, with status 1 and without a traceback."""
    command = [sys.executable, "-m", *program]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        (JANITOR, NO_DATABASE),
        (JANITOR, NO_BROKER),
        (JANITOR, NO_NUMBER),
        (JANITOR, NO_ADDRESS),
        (MEDIA, NO_BROKER),
        (FLOWER, NO_BROKER),
        (API, NO_DATABASE),
        (API, NO_NUMBER),
        (MIGRATIONS, NO_DATABASE),
        (MIGRATIONS, NO_NUMBER),
        (MIGRATIONS, NO_SERVER),
    ],
)
def test_a_start_with_wrong_settings(
    tmp_path: Path, program: tuple[str, ...], fault: tuple[dict[str, str], str, str]
) -> None:
    """A process ends at once, and one line says what is wrong, without a traceback."""
    changes, code, said = fault
    settings = Settings(data_dir=tmp_path, database_url=DATABASE, broker_url=BROKER, port=0)
    env = service_environment(settings) | {"FLOWER_BASIC_AUTH": "ops:secret"} | changes

    log = log_of_refusal(program, env)

    [line] = [line for line in log.splitlines() if "invalid_settings" in line or "cannot start" in line]
    assert code in line
    assert said in line


@pytest.mark.slow
@pytest.mark.parametrize("program", [JANITOR, ("worker", "inference"), API], ids=["janitor", "worker", "api"])
def test_a_start_without_a_bucket(settings: Settings, program: tuple[str, ...]) -> None:
    """A process ends at once, and its log says what is wrong, without a traceback."""
    with ObjectStore() as store:
        given = store.settings(storage_url="s3://other/place", port=0)
        env = service_environment(Settings(**(settings.model_dump() | given)))
        log = log_of_refusal(program, env)

    assert "The bucket other is not there" in log
    assert "storage_unusable" in log

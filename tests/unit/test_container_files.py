"""The Dockerfile and the compose file, without an engine: what they must and must not say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.settings import Settings
from worker.stages.inference import LONGEST_SHARE

ROOT = Path(__file__).parents[2]
COMPOSE = Path(sys.executable).parent / "docker-compose"
BASE = "python:3.12-slim-bookworm"
SERVERS = {"postgres": "postgres:17", "valkey": "valkey/valkey:8"}
WORKERS = {"media", "express", "inference", "inference-gpu", "janitor"}
TARGETS = ("api", "media", "inference", "inference-gpu", "flower")
SECRETS = {"POSTGRES_PASSWORD": "p", "VALKEY_PASSWORD": "v"}


def compose(**variables: str) -> subprocess.CompletedProcess[str]:
    if not COMPOSE.exists():
        pytest.skip("docker-compose is not installed beside this Python")
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **variables}
    profiles = ["--profile", "gpu", "--profile", "ops"]
    command = [str(COMPOSE), "--env-file", os.devnull, *profiles, "config", "--format", "json"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """Every service as the engine would get it."""
    found: dict[str, dict[str, Any]] = json.loads(compose(**SECRETS).stdout)["services"]
    return found


def test_images_come_from_known_bases() -> None:
    """Each FROM names the one base image or an earlier stage, and no syntax line fetches another builder."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    stages = re.findall(r"(?m)^FROM (\S+) AS (\S+)$", text)
    assert len(stages) == len(re.findall(r"(?mi)^\s*FROM ", text))
    known = {BASE}
    for base, name in stages:
        assert base in known, base
        known.add(name)
    assert set(TARGETS) <= known
    assert not re.search(r"(?i)#\s*syntax\s*=", text)


def test_images_do_not_run_as_root() -> None:
    """Every final stage is built on the one that gives up root, and none takes it back."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^USER (.*)$", text) == ["10001:10001"]
    for target in TARGETS:
        assert f"\nFROM runtime AS {target}\n" in text


def test_servers_are_the_official_images(services: dict[str, dict[str, Any]]) -> None:
    """Whatever is not built here is one of two official images."""
    assert {name: item["image"] for name, item in services.items() if "build" not in item} == SERVERS


def test_every_container_is_confined(services: dict[str, dict[str, Any]]) -> None:
    """No container may write to its image, gain rights, or take all memory; each is restarted."""
    for name, item in services.items():
        assert item["read_only"], name
        # A server steps down from root: an init process without rights could not stop it.
        assert item.get("init", False) == (name not in SERVERS), name
        assert item["cap_drop"] == ["ALL"], name
        assert item["security_opt"] == ["no-new-privileges:true"], name
        assert int(item["deploy"]["resources"]["limits"]["memory"]) > 0, name
        assert item["restart"] == ("on-failure:5" if name == "migrate" else "unless-stopped"), name
        assert not item.get("privileged"), name


def test_only_the_api_is_reached_from_outside(services: dict[str, dict[str, Any]]) -> None:
    """One port is published, and Flower's where it is wanted, on loopback; all else has no way out.

    The janitor alone has one besides: it calls the receivers of webhooks.
    """
    ports = {name: item["ports"] for name, item in services.items() if item.get("ports")}
    assert set(ports) == {"api", "flower"}
    assert {port["host_ip"] for published in ports.values() for port in published} == {"127.0.0.1"}
    ways_out = {name: set(item["networks"]) - {"backend"} for name, item in services.items()}
    assert {name: way for name, way in ways_out.items() if way} == {
        "api": {"frontend"},
        "flower": {"frontend"},
        "janitor": {"outbound"},
    }


def test_secret_of_webhooks_is_given_to_those_who_need_it(services: dict[str, dict[str, Any]]) -> None:
    """Workers that decode hostile media do not have what webhooks are signed with."""
    having = {name for name, item in services.items() if "AVEMOTION_WEBHOOK_SECRET" in item["environment"]}
    assert having == {"api", "janitor"}


def test_flower_has_nothing_but_the_broker(services: dict[str, dict[str, Any]]) -> None:
    """It starts only where it is asked for, and holds neither passwords nor files of others."""
    flower = services["flower"]
    assert flower["profiles"] == ["ops"]
    assert set(flower["environment"]) == {"AVEMOTION_BROKER_URL", "FLOWER_BASIC_AUTH"}
    assert not flower.get("volumes")
    assert flower["environment"]["FLOWER_BASIC_AUTH"] == ""


def test_a_worker_has_time_to_end_its_stage(services: dict[str, dict[str, Any]]) -> None:
    """Compose waits for longer than the longest stage and the patience with which its result is written."""
    settings = Settings()
    longest_s = settings.stage_hard_limit_s + 2 * settings.lease_s
    for name in WORKERS - {"janitor"}:
        # A worker of the model that is told to stop may claim batches until then.
        more_s = LONGEST_SHARE * settings.stage_time_limit_s if name.startswith("inference") else 0
        assert seconds(services[name]["stop_grace_period"]) > longest_s + more_s, name


def test_a_worker_stops_alike_everywhere() -> None:
    """Nothing here asks Celery for another end than its warm one, whose limit is the grace period."""
    kubernetes = "deploy/kubernetes/base/settings.yaml"
    for name in ("docker-compose.yml", "Dockerfile", "worker/children.py", kubernetes):
        assert "REMAP_SIGTERM" not in (ROOT / name).read_text(encoding="utf-8"), name


def seconds(duration: str) -> int:
    """Return a duration as compose writes it, such as ``6m30s``, in seconds."""
    return sum(int(number) * {"m": 60, "s": 1}[unit] for number, unit in re.findall(r"(\d+)([ms])", duration))


def test_workers_can_be_scaled(services: dict[str, dict[str, Any]]) -> None:
    """Nothing about a worker may exist only once: no name, no port, and a /tmp of its own."""
    for name in WORKERS:
        item = services[name]
        assert "container_name" not in item
        assert item["tmpfs"] == ["/tmp"], name  # noqa: S108 - the container's own


def test_every_volume_has_a_name(services: dict[str, dict[str, Any]]) -> None:
    """`docker compose down` leaves no nameless volume behind that no later start would find."""
    volumes = [volume for item in services.values() for volume in item.get("volumes", [])]
    assert volumes
    assert all(volume.get("source") for volume in volumes)


@pytest.mark.parametrize("missing", SECRETS)
def test_missing_secret_is_explained(missing: str) -> None:
    """Without one of the passwords nothing starts, and the message names it."""
    done = compose(**{name: value for name, value in SECRETS.items() if name != missing})
    assert done.returncode != 0
    assert f"Set {missing} in .env" in done.stderr


def test_example_names_every_variable() -> None:
    """.env.example lists the variables that the compose file reads, and no others."""
    read = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"(?m)^#?([A-Z_]+)=", example)) == read


def test_example_holds_no_secret() -> None:
    """A copy of .env.example does not start a service with a password that everybody knows."""
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"(?m)^([A-Z_]+=.*)$", example)) == {f"{name}=" for name in SECRETS}

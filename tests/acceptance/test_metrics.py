"""What Prometheus reads of workers that score a clip."""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.acceptance.service import Service, running_service
from tests.servers import wait_until

ROLES = ("inference", "media", "janitor")


def free_ports(number: int) -> int:
    """Return the first of some ports in a row that nobody listens on."""
    while True:
        sockets = []
        try:
            sockets.append(socket.create_server(("127.0.0.1", 0)))
            first = int(sockets[0].getsockname()[1])
            sockets += [socket.create_server(("127.0.0.1", first + each)) for each in range(1, number)]
        except OSError:
            continue
        else:
            return first
        finally:
            for each in sockets:
                each.close()


def read(service: Service, role: str) -> str:
    port = (service.settings.metrics_port or 0) + ROLES.index(role)
    return httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text


def total(text: str, name: str, **labels: str) -> float:
    """Return the sum over all series of a metric that have these labels."""
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    found = re.findall(rf"(?m)^{name}(?:{{(.*)}})? (\S+)$", text)
    return sum(float(value) for has, value in found if all(each in has for each in wanted))


@pytest.mark.slow
def test_workers_tell_what_they_do(tmp_path: Path, face_clip: Path) -> None:
    """Stages, batches and ends of a job are counted, still after the child that did them was killed."""
    with running_service(tmp_path, metrics_port=free_ports(len(ROLES))) as service:
        service.assert_scored_once(service.score(face_clip))

        media, inference, janitor = (read(service, role) for role in ("media", "inference", "janitor"))
        for stage in ("ingest", "faces", "sound", "fusion"):
            assert total(media, "avemotion_stage_seconds_count", stage=stage, outcome="done") == 1
        assert total(inference, "avemotion_stage_seconds_count", stage="inference", outcome="done") >= 1
        assert total(inference, "avemotion_model_batch_windows_sum") == 2
        assert total(inference, "avemotion_model_seconds_sum") > 0
        assert total(inference, "avemotion_jobs_ended_total", status="succeeded") == 1
        assert total(media, "avemotion_worker_queue", queue="media.bulk.faces") == 1
        assert total(inference, "avemotion_worker_children") == 1
        assert total(janitor, "avemotion_janitor_round_timestamp_seconds") > 0

        child = service.child("media")
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: service.child("media") != child)
        service.assert_scored_once(service.score(face_clip))
        assert total(read(service, "media"), "avemotion_stage_seconds_count", stage="faces") == 2

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from tests.acceptance.runbook.conftest import LEASE_S
from tests.acceptance.runbook.desk import Desk
from tests.acceptance.service import Service, running_service
from tests.servers import wait_until

pytestmark = pytest.mark.slow


def test_a_lost_broker(service: Service, clip: Path, tmp_path: Path) -> None:
    """Away, emptied, and full: jobs are taken all the while, and are scored once it takes messages again."""
    desk = Desk("A lost broker", service.settings, tmp_path)
    upload = service.upload(clip)

    service.empty_valkey()
    try:
        job = service.predict(video_id=upload)
        [status] = desk.follow("Look")
        assert status.code == 1
        assert "broker     DOWN The broker does not answer" in status.out
        ready = service.http.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    finally:
        service.valkey.start()
    desk.follow("Mend", "in haste")
    service.assert_scored_once(service.end_of(job))
    wait_until(lambda: desk.follow("Over")[0].code == 0)

    with redis.Redis.from_url(str(service.settings.broker_url)) as valkey:
        valkey.config_set("maxmemory", valkey.info("memory")["used_memory"])
        try:
            job = service.predict(video_id=upload)
            [status] = desk.follow("Look")
            assert status.code == 1
            assert "broker     DOWN The broker's memory is full" in status.out
            [doctor] = desk.follow("Mend", "full")
            assert "FAIL broker" in doctor.out
            assert 'avemotion_up{dependency="broker"} 0.0' in service.http.get("/metrics").text
        finally:
            valkey.config_set("maxmemory", 0)
    service.assert_scored_once(service.end_of(job))
    wait_until(lambda: desk.follow("Over")[0].code == 0)
    desk.assert_all_done()


def test_a_broker_at_a_new_address(clip: Path, tmp_path: Path) -> None:
    """What a broker took that is gone for good is scored by way of another, at its own address."""
    with running_service(tmp_path, lease_s=LEASE_S) as first:
        upload = first.upload(clip)
        first.empty_valkey()
        job = first.predict(video_id=upload)
    with running_service(tmp_path, lease_s=LEASE_S) as second:
        assert second.settings.broker_url != first.settings.broker_url
        second.assert_scored_once(second.end_of(job))

"""Bulk work keeps nobody waiting who waits for a single clip."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from shared.tables import StageName
from tests.acceptance.service import running_service

pytestmark = pytest.mark.slow


def test_an_interactive_clip_does_not_wait_for_a_bulk_stage(tmp_path: Path, face_clip: Path) -> None:
    """While a stage of a batch holds every process of the media worker, a person's clip is scored."""
    with running_service(tmp_path, express=True, lease_s=60.0) as service:
        child = service.child("media")
        bulk = service.submit(face_clip, priority="bulk")
        assert service.wait_for_lease(bulk, StageName.FACES)
        os.kill(child, signal.SIGSTOP)
        try:
            scored = service.score(face_clip)
            held = service.http.get(f"/jobs/{bulk}").json()
        finally:
            os.kill(child, signal.SIGCONT)

        service.assert_scored_once(scored)
        assert held["status"] == "running"
        service.assert_scored_once(service.end_of(bulk))

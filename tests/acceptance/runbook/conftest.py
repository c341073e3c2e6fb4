"""A short clip, and a service that has to bear what the runbook is about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import media_factory
from tests.acceptance.service import Service, running_service

# A machine that does other things too must not pass for a dead worker, which these tests are not about.
LEASE_S = 6.0


@pytest.fixture(scope="package")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a face with a voice."""
    return media_factory.face_video(tmp_path_factory.mktemp("media") / "clip.mp4", duration_s=2)


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A whole service, for the incidents that leave nothing behind."""
    with running_service(tmp_path_factory.mktemp("service"), lease_s=LEASE_S) as running:
        yield running

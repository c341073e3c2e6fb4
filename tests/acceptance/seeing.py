"""A service whose traces and logs a test reads."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.acceptance.service import Service, running_service
from tests.collector import Collector, running_collector

# Long enough that on a busy machine no stage is taken for lost, and each is run once.
PATIENCE = {"lease_s": 120.0, "stage_time_limit_s": 300.0}
PROCESSES = ("api", "media", "inference", "janitor")


class Watched(NamedTuple):
    """A service, and where its spans come in."""

    service: Service
    collector: Collector

    def marks(self) -> dict[str, int]:
        """Return how much each process has logged so far, in bytes."""
        return {name: len(self.log(name)) for name in PROCESSES}

    def log(self, name: str) -> bytes:
        """Return the log of a process."""
        return (self.service.settings.data_dir / "log" / f"{name}.log").read_bytes()

    def lines_since(self, marks: dict[str, int]) -> list[dict[str, Any]]:
        """Return what was logged since then as JSON; not what native libraries say as they load."""
        return [
            json.loads(line)
            for name, mark in marks.items()
            for line in self.log(name)[mark:].decode().splitlines()
            if line.startswith("{")
        ]


@contextlib.contextmanager
def watched_service(folder: Path, **settings: Any) -> Iterator[Watched]:
    """Run a service that sends its spans to a collector, and logs in JSON."""
    with pytest.MonkeyPatch.context() as patch, running_collector() as collector:
        # Sooner than anybody would wait for.
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        with running_service(
            folder, otlp_endpoint=collector.endpoint, log_format="json", **settings
        ) as service:
            yield Watched(service, collector)

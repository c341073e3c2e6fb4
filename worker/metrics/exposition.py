"""Where Prometheus reads what this process and its children have counted."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from shared.scratch import COUNTS_PREFIX, kept_folder
from shared.settings import Settings

if TYPE_CHECKING:
    # At run time only once the folder is known: the library looks for it when it is imported.
    from prometheus_client.registry import Collector

log = logging.getLogger(__name__)

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# Counts are memory-mapped files: on a full disk, to write one would kill the process.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own in it


def share_counts(settings: Settings) -> None:
    """Have this process and its children count in one folder, which goes with this process.

    Nothing may have imported ``prometheus_client`` yet.
    """
    if settings.metrics_port is None:
        return
    place = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else settings.scratch_dir
    folder = kept_folder(COUNTS_PREFIX, place)
    os.environ[FOLDER_VARIABLE] = str(folder)
    atexit.register(_remove, folder, os.getpid())


def serve(settings: Settings, *collectors: Collector) -> None:
    """Answer Prometheus from a thread, with the counts and what ``collectors`` say.

    A port that cannot be had is no reason for a worker not to work.
    """
    if settings.metrics_port is None:
        return
    from prometheus_client import REGISTRY, CollectorRegistry, start_http_server  # noqa: PLC0415 - see above

    from worker.metrics.counts import Counts  # noqa: PLC0415 - see above

    registry = REGISTRY
    if FOLDER_VARIABLE in os.environ:
        registry = CollectorRegistry()
        registry.register(Counts(Path(os.environ[FOLDER_VARIABLE])))
    for collector in collectors:
        registry.register(collector)
    try:
        start_http_server(settings.metrics_port, settings.metrics_host, registry)
    except OSError as error:
        log.warning("no metrics: %s cannot be listened on: %s", settings.metrics_port, error.strerror)


def _remove(folder: Path, owner: int) -> None:
    # Children that were forked have this function, too.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)

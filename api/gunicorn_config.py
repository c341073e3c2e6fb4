"""How gunicorn serves the API: ``gunicorn -c python:api.gunicorn_config 'api:create_app()'``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn import glogging  # type: ignore[import-untyped]  # it ships no types

from shared.counting import counts_folder
from shared.start import begin, check_parts, faults_told
from shared.tracing import end_tracing

if TYPE_CHECKING:
    from api.services import Services

_settings = begin()

_COUNTS = "PROMETHEUS_MULTIPROC_DIR"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - gunicorn makes a file of its own there
# Set before anything imports prometheus_client, which looks at it once.
_own_counts = _COUNTS not in os.environ
if _own_counts:
    # Memory-mapped files: on a full disk, to count a request would kill the process.
    _place = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else _settings.scratch_dir
    os.environ[_COUNTS] = str(counts_folder(_place))


class ServerLog(glogging.Logger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's log lines in the shape of all others."""

    def setup(self, cfg: Any) -> None:
        """Leave the handlers to the root logger."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(_settings.log_level)


_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host
bind = f"{_host}:{_settings.port}"
worker_class = "api.server_worker.ApiWorker"
workers = _settings.api_processes
threads = _settings.api_threads
# Longer than the pause between two polls: a poller keeps its connection.
keepalive = 15
timeout = 60
graceful_timeout = 6
# Heartbeats of the processes: on a disk they would stall when the disk does.
worker_tmp_dir = str(_SHARED_MEMORY) if os.access(_SHARED_MEMORY, os.W_OK) else None
logger_class = ServerLog
accesslog = None
control_socket_disable = True
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190


def on_starting(_server: Any) -> None:
    """End at once, with a sentence, where the service cannot run as it is set up."""
    with faults_told():
        check_parts(_settings)


def post_worker_init(worker: Any) -> None:
    """Let requests that wait end when their process is asked to."""
    from api.services import EXTENSION  # noqa: PLC0415 - not before _COUNTS is set

    kit: Services | None = worker.wsgi.extensions.get(EXTENSION)
    if kit is not None:
        kit.waiting.is_closing = lambda: not worker.alive


def worker_exit(_server: Any, worker: Any) -> None:
    """Close the connections of a process that ends in good order."""
    from api.services import EXTENSION  # noqa: PLC0415 - not before _COUNTS is set

    kit: Services | None = worker.wsgi.extensions.get(EXTENSION) if worker.wsgi else None
    if kit is not None:
        kit.close()
    end_tracing()


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a process that ended; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - not before _COUNTS is set

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # the library leaves it untyped


def on_exit(_server: Any) -> None:
    """Remove the counts with the server."""
    if _own_counts:
        shutil.rmtree(os.environ[_COUNTS], ignore_errors=True)

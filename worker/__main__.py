"""``python -m worker media|express|inference|janitor`` runs one process; ``check ROLE`` asks after it."""

from __future__ import annotations

import os
import sys
import warnings

from shared.settings import get_settings
from worker.liveness import is_alive, leave

ROLES = ("media", "express", "inference", "janitor")
USAGE = f"usage: python -m worker {'|'.join(ROLES)}, or: python -m worker check {'|'.join(ROLES)}"


def main(arguments: list[str]) -> int:
    """Run what the command line names; return the exit status."""
    match arguments:
        case [role] if role in ROLES:
            run(role)
            return 0
        case ["check", role] if role in ROLES:
            return 0 if is_alive(role) else 1
        case _:
            sys.stderr.write(USAGE + "\n")
            return 2


def run(role: str) -> None:
    """Run a process until it is told to stop."""
    from shared.start import begin, check_parts, faults_told  # noqa: PLC0415 - `check` is called often, and has no use for it

    settings = begin()
    with faults_told():
        check_parts(settings)
    try:
        if role == "janitor":
            run_janitor()
        else:
            run_worker(role)
    finally:
        leave(role)


def run_janitor() -> None:
    """Run the janitor until it is told to stop."""
    from shared.tracing import begin_tracing, end_tracing  # noqa: PLC0415 - each role loads only its own
    from worker import janitor  # noqa: PLC0415
    from worker.app import app  # noqa: PLC0415
    from worker.toolkit import toolkit  # noqa: PLC0415

    begin_tracing(get_settings(), "janitor")
    janitor.run(toolkit(), app)
    end_tracing()


def run_worker(role: str) -> None:
    """Run a Celery worker on the queues of its role, interactive before bulk; ``express`` takes no bulk."""
    from celery.exceptions import CPendingDeprecationWarning  # noqa: PLC0415 - as above

    from shared.queue import INFERENCE, MEDIA, PRIORITIES, queue_names  # noqa: PLC0415 - as above
    from shared.tables import Priority  # noqa: PLC0415 - as above

    settings = get_settings()
    from worker.metrics import exposition  # noqa: PLC0415 - as above

    # Before anything imports prometheus_client, which looks for the folder once.
    exposition.share_counts(settings)
    from worker import children, tasks, walk  # noqa: F401, PLC0415 - registers the tasks; each role loads its own
    from worker.app import app  # noqa: PLC0415
    from worker.metrics import serving  # noqa: PLC0415

    # It warns, at each loss of the broker, that it does not cancel running tasks: it must not, since
    # their results go to the database.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    usable = children.prepare(role, settings)
    resource = INFERENCE if role == INFERENCE else MEDIA
    priorities = (Priority.INTERACTIVE,) if role == children.EXPRESS else PRIORITIES
    queues = queue_names(resource, usable, priorities)
    walk.serve(queues)
    count = (settings.media_children or os.cpu_count() or 1) if role == MEDIA else 1
    serving.install(app, settings, queues, count)
    app.worker_main(
        [
            "--quiet",
            "worker",
            f"--hostname={role}@%h",
            f"--queues={','.join(queues)}",
            "--pool=prefork",
            f"--concurrency={count}",
            f"--loglevel={settings.log_level}",
            "--without-gossip",
            "--without-mingle",
            # Who looks at events takes a worker without heartbeats for a dead one.
            *(() if settings.task_events else ("--without-heartbeat",)),
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

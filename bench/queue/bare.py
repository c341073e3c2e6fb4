"""``python -m bench.queue.bare media|inference``: Celery alone, with tasks that do nothing.

As many a chain as a segment has stages, in the same queues, on the same broker, with the same options.
"""

from __future__ import annotations

import os
import sys
from uuid import uuid4

from celery import Celery, chain
from celery.canvas import Signature

from shared.queue import EVERYWHERE, MEDIA, make_celery, queue_name, queue_names
from shared.settings import get_settings
from shared.tables import Priority, StageName


def empty(_key: str) -> None:
    """Do nothing."""


def empty_chain(app: Celery) -> Signature[None]:
    """Return the messages of one job, each sent by the task before it."""
    key = str(uuid4())
    return chain(
        *(
            app.signature(
                f"bench.{name.value}",
                args=(key,),
                immutable=True,
                options={"queue": queue_name(name, Priority.BULK, EVERYWHERE)},
            )
            for name in StageName
        )
    )


def main(role: str) -> None:
    """Run a worker as ``worker.__main__`` does."""
    app = make_celery(get_settings())
    for name in StageName:
        app.task(name=f"bench.{name.value}")(empty)
    queues = queue_names(role, (EVERYWHERE,))
    count = (get_settings().media_children or os.cpu_count() or 1) if role == MEDIA else 1
    app.worker_main(
        [
            "--quiet",
            "worker",
            f"--hostname={role}@%h",
            f"--queues={','.join(queues)}",
            "--pool=prefork",
            f"--concurrency={count}",
            "--loglevel=WARNING",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    )


if __name__ == "__main__":
    main(sys.argv[1])

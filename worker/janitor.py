"""The janitor: finds work that nobody does, and things that nobody needs.

A small process of its own. Several may run: rows are locked before they are changed, and what one
has changed the other no longer finds. Webhooks are delivered beside these duties, by threads of their own.
"""

from __future__ import annotations

import platform
import signal
import threading
from collections.abc import Callable
from types import FrameType

import redis
import structlog
from celery import Celery
from sqlalchemy.exc import SQLAlchemyError

from shared.backlog import unsent
from shared.janitors import show_janitor
from worker.dispatch import send_lost, send_ready
from worker.liveness import touch
from worker.metrics.exposition import serve
from worker.metrics.janitor import MESSAGES, PUT_OFF, ROUND
from worker.purge import purge
from worker.retention import Retention
from worker.sweep import Sweeper
from worker.takeback import take_back_stages, take_back_windows
from worker.toolkit import Toolkit
from worker.webhooks.postman import Postman

log = structlog.stdlib.get_logger(__name__)


def run(kit: Toolkit, app: Celery) -> None:
    """Work in rounds until told to stop by SIGTERM or SIGINT."""
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    retention, sweeper = Retention(), Sweeper()
    host = platform.node()
    duties: dict[str, Callable[[], object]] = {
        "take back stages": lambda: take_back_stages(kit),
        "take back windows": lambda: take_back_windows(kit),
        "send what was never sent": lambda: MESSAGES.labels("unsent").inc(
            send_ready(kit.engine, app, unsent())
        ),
        "send again what got lost": lambda: MESSAGES.labels("lost").inc(send_lost(kit, app)),
        "purge": lambda: purge(kit),
        "make room": lambda: retention.advance(kit),
        "sweep": lambda: sweeper.advance(kit),
        "show itself": lambda: show_janitor(kit.settings, host),
    }
    postman = Postman(kit.settings)
    postman.start()
    serve(kit.settings)
    log.info("janitor ready")
    while not stop.wait(kit.settings.janitor_interval_s):
        for name, duty in duties.items():
            try:
                duty()
            except (SQLAlchemyError, redis.RedisError, OSError) as error:
                # A server that is away comes back; the other duties may not need it.
                PUT_OFF.labels(name).inc()
                log.warning("duty put off", duty=name, error=type(error).__name__)
        ROUND.set_to_current_time()
        touch("janitor")
    postman.stop()

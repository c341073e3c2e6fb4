"""The part of a worker that takes messages, and waits where there is no broker to take them from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery.worker.consumer import Consumer

from worker.liveness import touch

# Celery's own would grow to half a minute, in which a broker that is back has no workers.
LONGEST_PAUSE_S = 5


class PatientConsumer(Consumer):
    """Shows signs of life while the broker is away.

    Its event loop stands still meanwhile, the timer of other signs with it. Who watches them would take the
    worker for stuck, and kill it in the middle of a stage that needs no broker.
    """

    def ensure_connected(self, conn: Any) -> Any:
        """Return the connection once it is there."""
        ensure = conn.ensure_connection
        role = str(self.hostname).partition("@")[0]

        def try_again(errback: Any, max_retries: Any, callback: Callable[[], None]) -> Any:
            def wait() -> None:
                touch(role)
                callback()

            return ensure(errback, max_retries, interval_max=LONGEST_PAUSE_S, callback=wait)

        conn.ensure_connection = try_again
        return super().ensure_connected(conn)

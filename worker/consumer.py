"""The part of a worker that takes messages, and what becomes of it when the broker goes away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery.worker.consumer import Consumer

from worker.liveness import touch

# Celery's own would grow to half a minute, in which a broker that is back has no workers.
LONGEST_PAUSE_S = 5


class PatientConsumer(Consumer):
    """Lives on while the broker is away, and shows that it does; its work goes on."""

    def ensure_connected(self, conn: Any) -> Any:
        """Return the connection once it is there.

        The event loop stands still meanwhile, the timer of signs of life with it. Who watches them would take
        the worker for stuck, and kill it in the middle of a stage that needs no broker.
        """
        ensure = conn.ensure_connection
        role = str(self.hostname).partition("@")[0]

        def try_again(errback: Any, max_retries: Any, callback: Callable[[], None]) -> Any:
            def wait() -> None:
                touch(role)
                callback()

            return ensure(errback, max_retries, interval_max=LONGEST_PAUSE_S, callback=wait)

        conn.ensure_connection = try_again
        return super().ensure_connected(conn)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Give up a connection that broke, while the work that came over it goes on.

        kombu would put the messages of that work back into their queues, and acknowledge them when it is
        done, both over the closed connection: that fails with an ``AttributeError``, for which nobody is
        prepared, and the worker ends with all that its processes do. Nobody needs either: the broker keeps
        such messages and sends them again after a while, when there is nothing left to do for them.
        """
        # A boot step sets it, of which the types know nothing.
        tasks: Any = getattr(self, "task_consumer", None)
        if tasks is not None:
            channel = tasks.channel
            channel.do_restore = False
            channel.basic_ack = channel.basic_reject = _say_nothing
        super().on_connection_error_after_connected(exc)


def _say_nothing(*_: Any, **__: Any) -> None:
    return None

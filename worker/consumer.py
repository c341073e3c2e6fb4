"""Celery's consumer, but for what it does wrong when the broker goes away."""

from __future__ import annotations

from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer


class Consumer(CeleryConsumer):
    """The consumer of every worker."""

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

"""Ctrl-C in asynchronous code: work is cancelled in good order, and only then is it an exception."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_interruptibly(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` to its end, in the main thread; a signal cancels it and lets it clean up.

    A handler that raises would do so wherever the interpreter happens to be, in the middle of a task.
    The handlers found are put back at the end.

    Raises:
        KeyboardInterrupt: A signal came.
    """
    before = {number: signal.getsignal(number) for number in INTERRUPTS}
    came = False
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        task = loop.create_task(work)

        def interrupt() -> None:
            nonlocal came
            came = True
            task.cancel()

        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                loop.add_signal_handler(number, interrupt)
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            if not came:
                raise
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from client.run.interrupts import INTERRUPTS, run_interruptibly


@pytest.fixture(autouse=True)
def raising_handlers() -> Iterator[None]:
    """Handlers as the embedded stack sets them: each signal raises wherever the interpreter is."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in INTERRUPTS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", INTERRUPTS)
def test_a_signal_in_the_middle_of_a_step_cancels(number: signal.Signals) -> None:
    """Work is cancelled where it waits next, never broken off in between, and may still clean up."""
    trace: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            trace.extend("step" for _ in range(3))
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            trace.append("clean")
            raise

    with pytest.raises(KeyboardInterrupt):
        run_interruptibly(work())
    assert trace == ["step", "step", "step", "clean"]


def test_handlers_are_put_back() -> None:
    """Afterwards each signal has the handler it had, one that is ignored included."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def work() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)

    run_interruptibly(work())
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_errors_pass() -> None:
    """What the work raises comes out as it is."""

    async def work() -> None:
        raise LookupError("x")

    with pytest.raises(LookupError, match="x"):
        run_interruptibly(work())

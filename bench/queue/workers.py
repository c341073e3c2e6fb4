"""The workers of a bench: started, held back until all is laid out, and let go."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types
from celery import Celery

from client.ops.drain import stop_taking
from client.ops.nodes import Node, describe, find_names
from client.stack.services import ONE_THREAD, service_environment
from shared.queue import INFERENCE, MEDIA
from shared.settings import Settings

REPOSITORY = Path(__file__).parents[2]
ROLES = (MEDIA, INFERENCE)
START_LIMIT_S = 90


@contextmanager
def run_modules(
    settings: Settings, commands: Mapping[str, Sequence[str]], more: Mapping[str, str]
) -> Iterator[dict[str, psutil.Process]]:
    """Run modules of Python, each in a process of its own; yield them by name.

    Args:
        settings: Of all of them.
        commands: The module and its arguments by name.
        more: Variables of the environment besides.
    """
    env = {**service_environment(settings), **ONE_THREAD, **more, "PYTHONPATH": str(REPOSITORY)}
    with ExitStack() as stop, (settings.data_dir / "workers.log").open("ab") as log:
        processes = {}
        for name, command in commands.items():
            process = subprocess.Popen([sys.executable, "-m", *command], env=env, stderr=log, stdout=log)
            stop.callback(process.wait)
            stop.callback(process.kill)
            stop.callback(_end_children, process.pid)
            processes[name] = psutil.Process(process.pid)
        yield processes


def _end_children(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


def hold_back(app: Celery) -> list[Node]:
    """Wait for a worker of each role, and have them take nothing; return them."""
    until = time.monotonic() + START_LIMIT_S
    while len(names := find_names(app)) < len(ROLES):
        if time.monotonic() > until:
            raise TimeoutError("the workers did not start; their log is workers.log in the data folder")
    nodes = describe(app, names)
    for node in nodes:
        stop_taking(app, node)
    return nodes


def let_go(app: Celery, nodes: Sequence[Node]) -> None:
    """Have the workers take what waits in the queues that they were started for, all at once."""
    for node in nodes:
        for queue in node.queues:
            app.control.add_consumer(queue, destination=[node.name])


def processor_s(process: psutil.Process) -> float:
    """Return the processor time of a process, of its children, and of those of them that ended."""
    spent = 0.0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            spent += times.user + times.system
            if each is process:
                spent += times.children_user + times.children_system
    return spent

"""The folder in which the processes of one worker count together.

``prometheus_client`` keeps a file a process and kind there. What a child that ended has counted is added
to one file more, and its own are removed: a counter that lost them would seem to have started anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

ENDED = "ended"


class Counts(Collector):
    """What all processes of a worker have counted, those that ended among them."""

    def __init__(self, folder: Path) -> None:
        """Read from ``folder``."""
        self._folder = folder
        self._collector = MultiProcessCollector(None, str(folder))  # type: ignore[no-untyped-call]  # untyped
        self._lock = Lock()
        # A child that is forked while another thread is at it would wait for that thread for ever.
        os.register_at_fork(
            before=self._lock.acquire,
            after_in_parent=self._lock.release,
            after_in_child=self._lock.release,
        )

    def describe(self) -> Iterable[Metric]:
        """Return nothing: names are known when something was counted."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return everything that was counted."""
        with self._lock:
            fold(self._folder)
            return list(self._collector.collect())  # type: ignore[no-untyped-call]  # the library's


def fold(folder: Path) -> None:
    """Add what processes that ended have counted to one file of each kind, and remove theirs."""
    for path in sorted(folder.glob("*.db")):
        kind, _, owner = path.stem.rpartition("_")
        if owner == ENDED or _is_running(int(owner)):
            continue
        # A gauge says how things are with a process: one that ended has no say.
        if not kind.startswith("gauge"):
            _add(path, folder / f"{kind}_{ENDED}.db")
        path.unlink()


def _add(source: Path, target: Path) -> None:
    total = MmapedDict(str(target))  # type: ignore[no-untyped-call]  # the library leaves it untyped
    try:
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(source)):  # type: ignore[no-untyped-call]  # the same
            so_far, _ = total.read_value(key)  # type: ignore[no-untyped-call]  # the same
            total.write_value(key, so_far + value, 0.0)  # type: ignore[no-untyped-call]  # the same
    finally:
        total.close()  # type: ignore[no-untyped-call]  # the same


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""Copies of remote files on this machine, each kept for a moment: stages in a row want the same one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shared.scratch import scratch_folder


@dataclass
class _Copy:
    path: Path
    folder: ExitStack
    users: int = 0
    timer: threading.Timer | None = field(default=None)


class Copies:
    """The copies of one process: each is gone a moment after its last use.

    They hold people's faces: the moment is short, so that erasing a job erases them too.
    """

    def __init__(self, scratch_dir: Path | None, hold_s: float) -> None:
        """Keep copies in ``scratch_dir`` for ``hold_s`` seconds after their use; 0 removes them at once."""
        self._scratch_dir = scratch_dir
        self._hold_s = hold_s
        self._copies: dict[str, _Copy] = {}
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, key: str, fetch: Callable[[Path], None]) -> Iterator[Path]:
        """Give the copy of ``key``, made by ``fetch`` where there is none.

        Raises:
            OSError: It could not be fetched.
        """
        copy = self._take(key)
        if copy is None:
            copy = self._make(key, fetch)
        try:
            yield copy.path
        finally:
            self._leave(key, copy)

    def clear(self) -> None:
        """Remove every copy that nobody uses."""
        with self._lock:
            for key in [key for key, copy in self._copies.items() if not copy.users]:
                self._remove(key)

    def _take(self, key: str) -> _Copy | None:
        with self._lock:
            copy = self._copies.get(key)
            if copy is not None:
                copy.users += 1
                if copy.timer is not None:
                    copy.timer.cancel()
                    copy.timer = None
            return copy

    def _make(self, key: str, fetch: Callable[[Path], None]) -> _Copy:
        with ExitStack() as folder:
            path = folder.enter_context(scratch_folder(self._scratch_dir)) / "media"
            fetch(path)
            copy = _Copy(path, folder.pop_all(), users=1)
        with self._lock:
            # Of two that were fetched at once, the later is removed after its use.
            self._copies.setdefault(key, copy)
        return copy

    def _leave(self, key: str, copy: _Copy) -> None:
        with self._lock:
            copy.users -= 1
            if self._copies.get(key) is not copy:
                copy.folder.close()
            elif not copy.users:
                if not self._hold_s:
                    self._remove(key)
                    return
                copy.timer = threading.Timer(self._hold_s, self._expire, (key, copy))
                copy.timer.daemon = True
                copy.timer.start()

    def _expire(self, key: str, copy: _Copy) -> None:
        with self._lock:
            if self._copies.get(key) is copy and not copy.users:
                self._remove(key)

    def _remove(self, key: str) -> None:
        copy = self._copies.pop(key)
        if copy.timer is not None:
            copy.timer.cancel()
        copy.folder.close()

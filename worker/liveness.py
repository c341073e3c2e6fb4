"""A sign of life a process: a file whose age ``python -m worker check ROLE`` looks at."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from shared.settings import get_settings

BEAT_S = 5
# Several beats: a busy machine is not a dead one.
STALE_S = 60


def sign_of_life(role: str) -> Path:
    """Return the file of a role's process on this host."""
    return Path(get_settings().scratch_dir or tempfile.gettempdir()) / f"avemotion-{role}.alive"


def touch(role: str) -> None:
    """Say that the process is alive."""
    sign_of_life(role).touch()


def is_alive(role: str) -> bool:
    """Tell whether the process of ``role`` on this host has shown itself lately."""
    try:
        return time.time() - sign_of_life(role).stat().st_mtime < STALE_S
    except FileNotFoundError:
        return False

"""A sign of life a process: a file whose age ``python -m worker check ROLE`` looks at."""

from __future__ import annotations

import logging
import os
import tempfile
import time
import zlib
from contextlib import suppress
from pathlib import Path

from shared.settings import get_settings

log = logging.getLogger(__name__)

BEAT_S = 5
# Several beats: a busy machine is not a dead one.
STALE_S = 60


def sign_of_life(role: str) -> Path:
    """Return the file of a role's process on this host, for this user and this data folder."""
    settings = get_settings()
    place = f"{zlib.crc32(bytes(settings.data_dir.absolute())):08x}"
    folder = Path(settings.scratch_dir or tempfile.gettempdir()) / f"avemotion-{os.getuid()}"
    return folder / f"{role}-{place}.alive"


def touch(role: str) -> None:
    """Say that the process is alive; not being able to is no reason to die."""
    sign = sign_of_life(role)
    try:
        sign.parent.mkdir(mode=0o700, exist_ok=True)
        sign.touch()
    except OSError as error:
        log.warning("sign of life not written: %s", type(error).__name__)


def leave(role: str) -> None:
    """Take the sign away: the process ends, and nobody is to take it for alive.

    Another of its role on this host and this data folder touches its own again at its next beat.
    """
    with suppress(OSError):
        sign_of_life(role).unlink(missing_ok=True)


def is_alive(role: str) -> bool:
    """Tell whether the process of ``role`` on this host has shown itself lately."""
    try:
        return time.time() - sign_of_life(role).stat().st_mtime < STALE_S
    except OSError:
        return False

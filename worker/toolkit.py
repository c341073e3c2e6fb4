"""What every task of a worker process needs, opened once a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Engine

from shared.database import connect
from shared.settings import Settings, get_settings
from shared.storage import Storage
from shared.storage_choice import storage_of


@dataclass(frozen=True)
class Toolkit:
    """Settings, database and storage of this process."""

    settings: Settings
    engine: Engine
    storage: Storage


@lru_cache(maxsize=1)
def toolkit() -> Toolkit:
    """Return this process's toolkit; a forked child must forget its parent's first."""
    settings = get_settings()
    # What a crash makes forgotten here is done again: worker/lease.py.
    engine = connect(settings, pool_size=2, ping=False, durable=False)
    return Toolkit(settings, engine, storage_of(settings))


def forget_parent() -> None:
    """Drop what was opened before a fork: two processes must never share a database connection."""
    if toolkit.cache_info().currsize:
        toolkit().engine.dispose(close=False)
    toolkit.cache_clear()

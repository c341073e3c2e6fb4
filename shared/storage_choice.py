"""Which storage the settings name, opened and tried."""

from __future__ import annotations

import os
from functools import lru_cache

import structlog
from uuid_utils.compat import uuid7

from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from shared.storage import Storage, open_storage
from shared.storage_errors import StorageAwayError, StorageSetUpError

log = structlog.stdlib.get_logger(__name__)

OBJECT_STORE = "s3://"


def storage_of(settings: Settings) -> Storage:
    """Return the storage that the settings name, opened once a process.

    Raises:
        AvemotionError: It is an object store, and what is needed for one is not installed, or is set wrongly.
    """
    # A forked child opens its own: its parent's connections belong to a thread that it does not have. The
    # parent's is not closed there, for closing it would remove files that the parent still uses.
    return _storage_of(settings, os.getpid())


@lru_cache(maxsize=4)
def _storage_of(settings: Settings, _pid: int) -> Storage:
    url = settings.resolved_storage_url
    if not url.startswith(OBJECT_STORE):
        return open_storage(url, settings.scratch_dir)
    try:
        from shared.object_storage import ObjectStorage  # noqa: PLC0415 - an extra that folders do not need
    except ImportError as error:
        raise AvemotionError(
            ErrorCode.STORAGE_UNUSABLE,
            f"AVEMOTION_STORAGE_URL names an object store, for which {error.name} is missing: "
            "pip install 'avemotion[s3]'.",
        ) from error
    try:
        return ObjectStorage(settings)
    except StorageSetUpError as error:
        raise AvemotionError(ErrorCode.STORAGE_UNUSABLE, str(error)) from error


def try_out(storage: Storage) -> None:
    """Write, read, list and delete a file, as the service will.

    Raises:
        OSError: Something of that is not possible.
    """
    key = f"probe/{uuid7()}"
    storage.ping()
    with storage.writer(key) as stream:
        stream.write(key.encode())
    try:
        if storage.read(key) != key.encode() or key not in storage.keys(key):
            raise StorageAwayError("What was written to the storage does not come back.")
        storage.drop_unfinished(key)
    finally:
        storage.delete(key)


def check_storage(settings: Settings) -> None:
    """Look at the storage when a process starts; one that is only away at this moment is no error.

    Leaves no connection behind, so that the process may fork.

    Raises:
        AvemotionError: It cannot be used as it is set up, and waiting would not help.
    """
    storage = storage_of(settings)
    try:
        storage.ping()
    except OSError as error:
        if isinstance(error, StorageSetUpError):
            raise AvemotionError(ErrorCode.STORAGE_UNUSABLE, str(error)) from error
        log.warning("storage away", error=type(error).__name__)
    finally:
        storage.close()
        _storage_of.cache_clear()

"""The database of the service that an operator looks after."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from client.stack.folder import DataFolder
from shared.database import connect, transact
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings, get_settings

T = TypeVar("T")


def in_database(work: Callable[[Session], T]) -> T:
    """Run ``work`` in a transaction on the service's database.

    Raises:
        AvemotionError: There is no database, or it does not answer as one of ours.
    """
    settings = get_settings()
    try:
        engine = connect(settings.model_copy(update={"database_url": _database_url(settings)}))
        try:
            return transact(engine, work)
        finally:
            engine.dispose()
    except ArgumentError as error:
        message = "AVEMOTION_DATABASE_URL is no address of a database."
        raise AvemotionError(ErrorCode.INVALID_REQUEST, message) from error
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        message = f"The database does not answer as one of avemotion: {reason}."
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message) from error


def _database_url(settings: Settings) -> str:
    """Return the address that is set, or that of the stack that runs on the data folder."""
    if settings.database_url is not None:
        return settings.database_url
    note = DataFolder(settings.data_dir).read_note()
    if note is None:
        message = (
            f"No database: no stack runs on {settings.data_dir}. Start one with `avemotion serve`, or set"
            " AVEMOTION_DATABASE_URL."
        )
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message)
    return note.database_url

"""The service that an operator looks after: where its parts are, and what to say if they do not answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis
from kombu.exceptions import OperationalError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from client.stack.folder import DataFolder, StackNote
from shared.database import connect, reason_of
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings, get_settings
from shared.storage import Storage
from shared.storage_choice import storage_of


@dataclass(frozen=True)
class Service:
    """A service whose database has an address.

    Attributes:
        settings: Its addresses among them; there may be none of a broker.
        engine: Its database; not necessarily one that answers.
    """

    settings: Settings
    engine: Engine

    @property
    def broker_settings(self) -> Settings:
        """Return the settings once they are known to name a broker.

        Raises:
            AvemotionError: They do not.
        """
        if self.settings.broker_url is None:
            raise _not_found("broker", self.settings)
        return self.settings

    def open_storage(self) -> Storage:
        """Return its storage.

        Raises:
            AvemotionError: It is a folder, and not there: then it is on another machine.
        """
        return find_storage(self.settings)


@contextmanager
def open_service() -> Iterator[Service]:
    """Give the service of the settings or, where they name none, of the stack that runs on the data folder.

    Whatever its servers raise inside the block becomes a sentence.

    Raises:
        AvemotionError: There is no database, or a server does not answer as one of ours.
    """
    settings = find_addresses(get_settings())
    if settings.database_url is None:
        raise _not_found("database", settings)
    with plain_errors():
        engine = connect(settings)
        try:
            yield Service(settings, engine)
        finally:
            engine.dispose()


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what the drivers of the servers raise into a sentence each, without address or password."""
    try:
        yield
    except DBAPIError as error:
        message = f"The database does not answer as one of avemotion: {reason_of(error)}."
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message) from error
    except redis.OutOfMemoryError as error:
        message = "The broker's memory is full, it takes no messages: raise its maxmemory."
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message) from error
    except (redis.RedisError, OperationalError) as error:
        message = f"The broker does not answer: {type(error).__name__}."
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message) from error


@contextmanager
def plain_storage_errors() -> Iterator[None]:
    """Turn what the storage raises into a sentence."""
    try:
        yield
    except OSError as error:
        message = f"The storage does not answer: {type(error).__name__}."
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message) from error


def find_addresses(settings: Settings) -> Settings:
    """Return the settings with the addresses of the stack on the data folder where they have none."""
    if settings.database_url is not None and settings.broker_url is not None:
        return settings
    note: StackNote | None = DataFolder(settings.data_dir).read_note()
    if note is None:
        return settings
    return settings.model_copy(
        update={
            "database_url": settings.database_url or note.database_url,
            "broker_url": settings.broker_url or note.broker_url,
        }
    )


def find_storage(settings: Settings) -> Storage:
    """Return the storage of the settings; a folder that is not there is not made.

    Raises:
        AvemotionError: It is such a folder.
    """
    folder = settings.data_dir / "storage"
    if settings.storage_url is None and not folder.is_dir():
        message = (
            f"AVEMOTION_STORAGE_URL is not set, and there is no folder {folder.absolute()}: run this with the"
            " service's settings, where its storage can be seen."
        )
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message)
    return storage_of(settings)


def _not_found(what: str, settings: Settings) -> AvemotionError:
    message = (
        f"No {what}: no stack runs on {settings.data_dir}. Start one with `avemotion serve`, or set"
        f" AVEMOTION_{what.upper()}_URL."
    )
    return AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message)

"""How a process of the service begins, or says in one line why it does not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from shared.broker_access import access_of
from shared.database import address_of
from shared.errors import AvemotionError
from shared.logs import configure_logs
from shared.settings import Settings, get_settings
from shared.storage_choice import check_storage

log = structlog.stdlib.get_logger(__name__)


def begin() -> Settings:
    """Return the settings of this process, and have its log written as they say.

    Raises:
        SystemExit: With 1 and a line on standard error: they cannot be read.
    """
    try:
        settings = get_settings()
    except AvemotionError as error:
        sys.stderr.write(f"{error.code.code}: {error.message}\n")
        raise SystemExit(1) from None
    configure_logs(settings)
    return settings


@contextmanager
def faults_told() -> Iterator[None]:
    """End the process over what its operator can mend: status 1, and one line in the log.

    Raises:
        SystemExit: With 1.
    """
    try:
        yield
    except AvemotionError as error:
        log.error("cannot start", code=error.code.code, reason=error.message)  # noqa: TRY400 - the sentence says it all
        raise SystemExit(1) from None


def check_parts(settings: Settings) -> None:
    """Look at the three addresses; a server that is only away at this moment is no error.

    Leaves no connection behind, so that the process may fork.

    Raises:
        AvemotionError: One is missing or wrong, or the storage cannot be used, and waiting would not help.
    """
    address_of(settings)
    access_of(settings)
    check_storage(settings)

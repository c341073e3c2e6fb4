"""How long stages take, and how they end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import structlog
from celery.exceptions import Ignore
from prometheus_client import Histogram
from sqlalchemy.exc import DBAPIError

from shared.errors import AvemotionError
from shared.tables import StageName
from worker.pulse import LeaseLostError
from worker.time_limit import TimeLimitError
from worker.tracing import note_outcome

log = structlog.stdlib.get_logger(__name__)

# Up to the hard limit, in seconds.
BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
STAGE_SECONDS = Histogram(
    "avemotion_stage_seconds",
    "Time of a stage from its claim to its commit; of inference, of one batch.",
    ["stage", "outcome"],
    buckets=BUCKETS_S,
)


class Outcome(StrEnum):
    """How one run of a stage ended."""

    DONE = "done"
    """It has its result."""
    FAILED = "failed"
    """Its input made a typed error of it."""
    TIMEOUT = "timeout"
    """It took longer than allowed."""
    GIVEN_UP = "given_up"
    """Its job ended, or another had taken its lease."""
    DATABASE = "database"
    """The database was away or refused."""
    STORAGE = "storage"
    """Reading or writing files failed, or the network did."""
    MEMORY = "memory"
    """There was not enough memory."""
    ERROR = "error"
    """Something else went wrong; the worker's log says what."""


KINDS: tuple[tuple[type[BaseException], Outcome], ...] = (
    (LeaseLostError, Outcome.GIVEN_UP),
    (AvemotionError, Outcome.FAILED),
    (TimeLimitError, Outcome.TIMEOUT),
    (DBAPIError, Outcome.DATABASE),
    (OSError, Outcome.STORAGE),
    (MemoryError, Outcome.MEMORY),
)


def outcome_of(error: BaseException) -> Outcome:
    """Return how a stage ended that raised ``error``; ``Ignore`` only ends its message."""
    cause = cause_of(error)
    return next((outcome for kind, outcome in KINDS if isinstance(cause, kind)), Outcome.ERROR)


def cause_of(error: BaseException) -> BaseException | None:
    """Return why a stage raised ``error``."""
    return error.__context__ if isinstance(error, Ignore) else error


@contextmanager
def observed(stage: StageName) -> Iterator[None]:
    """Observe how long the block takes, and how it ends."""
    started = time.perf_counter()
    outcome, cause = Outcome.DONE, None
    try:
        yield
    except BaseException as error:
        outcome, cause = outcome_of(error), cause_of(error)
        raise
    finally:
        note_outcome(outcome.value, cause)
        try:
            STAGE_SECONDS.labels(stage.value, outcome.value).observe(time.perf_counter() - started)
        except OSError as failure:
            # Somebody tidied the folder of counts: no stage fails for that.
            log.warning("stage not counted", error=type(failure).__name__)

"""Whether jobs can be taken: models, analyzers, and how many jobs wait already."""

from __future__ import annotations

from collections.abc import Iterable

import redis
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from api.problems import InvalidRequestError
from api.services import Services
from shared.analyzers import find_analyzers
from shared.catalog import ModelCard
from shared.catalog.choice import choose_model
from shared.errors import AvemotionError, ErrorCode
from shared.queue import EVERYWHERE
from shared.schemas.jobs import JobRequest
from shared.schemas.rules import AFFECT
from shared.settings import Settings
from shared.tables import Job, Priority


def choose(body: JobRequest, to: Services, *, place: str = "") -> ModelCard:
    """Return the card of a request's model; ``place`` begins the name of a wrong field.

    Raises:
        AvemotionError: Its model is not here, is not of its fusion, or does not tell what a rule watches.
    """
    card = choose_model(to.cards.all(), to.settings.model, model=body.model, fusion=body.fusion)
    if body.fusion not in (None, card.fusion):
        message = f"the model {card.id} knows {card.fusion} fusion, not {body.fusion}"
        raise InvalidRequestError([(f"{place}fusion", message)])
    watched = (*card.labels, *AFFECT)
    problems = [
        (
            f"{place}rules.{number}.when",
            f"the model {card.id} tells {', '.join(watched)}, and no {rule.when!r}",
        )
        for number, rule in enumerate(body.rules)
        if rule.when not in watched
    ]
    if problems:
        raise InvalidRequestError(problems)
    return card


def check_analyzer(analyzer: str, settings: Settings) -> None:
    """Raise if no worker that is up can see faces with an analyzer.

    Raises:
        AvemotionError: ``ANALYZER_UNAVAILABLE`` with what is wrong with it; ``SERVICE_UNAVAILABLE`` where
            nobody can tell.
    """
    if analyzer == EVERYWHERE:
        return
    try:
        problems = find_analyzers(settings).get(analyzer)
    except redis.RedisError as error:
        raise AvemotionError(
            ErrorCode.SERVICE_UNAVAILABLE,
            f"Whether a worker has {analyzer} cannot be told now: the broker is away. Try again later.",
        ) from error
    if problems is None:
        raise AvemotionError(
            ErrorCode.ANALYZER_UNAVAILABLE,
            f"No worker here has {analyzer}; `{EVERYWHERE}` is built in.",
        )
    if problems:
        raise AvemotionError(
            ErrorCode.ANALYZER_UNAVAILABLE, f"{analyzer} cannot work here. {' '.join(problems)}"
        )


def check_depth(session: Session, priorities: Iterable[Priority], settings: Settings) -> None:
    """Raise if as many jobs of one of these priorities as are allowed have not ended yet.

    Each priority has a limit of its own: a data set that waits must not keep interactive jobs out.
    """
    limits = {
        Priority.INTERACTIVE: settings.max_queue_depth,
        Priority.BULK: settings.max_bulk_depth,
    }
    for priority in sorted(set(priorities)):
        most = limits[priority]
        # The states in words, not as values: only so is the index of unfinished jobs sure to be used.
        unfinished = (
            select(Job.id)
            .where(Job.priority == priority, text("status IN ('queued', 'running')"))
            .limit(most)
            .subquery()
        )
        if (session.scalar(select(func.count()).select_from(unfinished)) or 0) >= most:
            raise AvemotionError(
                ErrorCode.QUEUE_FULL,
                f"{most} {priority.value} jobs or more are waiting or running; try again later.",
            )

"""Making a job of a request: once, however often the request comes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.media import take_uploads
from api.problems import InvalidRequestError
from api.services import Services
from shared.analyzers import find_analyzers
from shared.catalog import ModelCard
from shared.catalog.choice import choose_model
from shared.database import transact
from shared.errors import AvemotionError, ErrorCode
from shared.lifecycle import open_job
from shared.queue import EVERYWHERE
from shared.schemas.jobs import JobRequest
from shared.settings import Settings
from shared.tables import Job, UploadKind

# What makes two requests the same, with every default filled in.
OPTIONS = ("video_id", "audio_id", "fusion", "analyzer", "model", "window_s", "stride_s", "priority")


@dataclass(frozen=True)
class Submission:
    """A request for a job, from whom, and under which idempotency key."""

    body: JobRequest
    owner_id: UUID | None
    key: str | None


@dataclass(frozen=True)
class Defaults:
    """What a job is made with where its request leaves it open."""

    analyzer: str
    model: str
    fusion: str
    window_s: float


def submit(submission: Submission, to: Services) -> UUID:
    """Return the id of the job that does what is asked; a new one, or the one the key stands for.

    Raises:
        AvemotionError: The request cannot be taken, or its key stands for another.
    """
    try:
        job_id, made = transact(to.engine, lambda session: _open(session, submission, to))
    except IntegrityError:
        # The same request came twice at once, and the other was first.
        known = transact(to.engine, lambda session: _known(session, submission))
        if known is None:
            raise
        return known
    if made:
        to.publisher.send(job_id, submission.body.priority)
    return job_id


def make_job(submission: Submission, defaults: Defaults) -> Job:
    """Return the row of a new job with every default filled in."""
    body = submission.body
    window_s = body.window_s or defaults.window_s
    job = Job(
        owner_id=submission.owner_id,
        idempotency_key=submission.key,
        video_id=body.video_id,
        audio_id=body.audio_id,
        fusion=body.fusion or defaults.fusion,
        analyzer=body.analyzer or defaults.analyzer,
        model=body.model or defaults.model,
        window_s=window_s,
        stride_s=body.stride_s or window_s,
        priority=body.priority,
    )
    job.request_sha256 = fingerprint(job)
    return job


def fingerprint(job: Job) -> str:
    """Return what two jobs share if, and only if, they were asked for in the same way."""
    options: list[Any] = [str(getattr(job, name)) for name in OPTIONS]
    return hashlib.sha256(json.dumps(options).encode()).hexdigest()


def _open(session: Session, submission: Submission, to: Services) -> tuple[UUID, bool]:
    """Return the id of the request's job, and whether it is new."""
    known = _known(session, submission)
    if known is not None:
        return known, False
    card = choose(submission.body, to)
    job = make_job(
        submission, Defaults(to.settings.analyzer, card.id, card.fusion, window_s=to.settings.window_s)
    )
    if job.video_id is not None:
        check_analyzer(job.analyzer, to.settings)
    check_depth(session, to.settings.max_queue_depth)
    wanted = {UploadKind.VIDEO: job.video_id, UploadKind.AUDIO: job.audio_id}
    named = {kind: upload_id for kind, upload_id in wanted.items() if upload_id}
    take_uploads(session, named, job.owner_id, to.settings)
    open_job(session, job)
    return job.id, True


def _known(session: Session, submission: Submission) -> UUID | None:
    """Return the job that the request's key stands for, if it stands for one.

    Raises:
        AvemotionError: That job was asked for in another way.
    """
    if submission.key is None:
        return None
    known = session.execute(
        select(Job.id, Job.request_sha256, Job.analyzer, Job.model, Job.fusion, Job.window_s).where(
            Job.owner_id == submission.owner_id, Job.idempotency_key == submission.key
        )
    ).one_or_none()
    if known is None:
        return None
    # What the request leaves open is as it was then: models come and go, and the request is the same.
    again = make_job(submission, Defaults(known.analyzer, known.model, known.fusion, window_s=known.window_s))
    if again.request_sha256 != known.request_sha256:
        raise AvemotionError(
            ErrorCode.IDEMPOTENCY_MISMATCH,
            "This Idempotency-Key belongs to a request with other values; use a new key for a new job.",
        )
    found: UUID = known.id
    return found


def choose(body: JobRequest, to: Services) -> ModelCard:
    """Return the card of the request's model.

    Raises:
        AvemotionError: Its model is not here, or the model is not of its fusion.
    """
    card = choose_model(to.cards.all(), to.settings.model, model=body.model, fusion=body.fusion)
    if body.fusion not in (None, card.fusion):
        message = f"the model {card.id} knows {card.fusion} fusion, not {body.fusion}"
        raise InvalidRequestError([("fusion", message)])
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


def check_depth(session: Session, most: int) -> None:
    """Raise if as many jobs as are allowed have not ended yet."""
    # In words, not as values: only so is the index of open jobs sure to be used.
    unfinished = select(Job.id).where(text("status IN ('queued', 'running')")).limit(most).subquery()
    if (session.scalar(select(func.count()).select_from(unfinished)) or 0) >= most:
        raise AvemotionError(
            ErrorCode.QUEUE_FULL, f"{most} jobs or more are waiting or running; try again later."
        )

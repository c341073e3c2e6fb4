"""Making jobs of requests: once, however often a request comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.admission import check_analyzer, check_depth, choose
from api.media import Wanted, take_uploads
from api.quotas.jobs import check_jobs
from api.services import Services
from api.tracing import job_trace_parent
from api.webhooks import Asked, check_webhooks, normalised
from shared.database import transact
from shared.errors import AvemotionError, ErrorCode
from shared.lifecycle import open_jobs
from shared.retrying import fingerprint
from shared.schemas.jobs import JobRequest
from shared.tables import Job, JobStatus, Priority, UploadKind


@dataclass(frozen=True)
class Submission:
    """A request for a job.

    Attributes:
        body: What is asked for.
        owner_id: By whom.
        key: What makes it the same request when it comes again; without one it is always new.
        batch_id: The batch that the job belongs to.
        reference: The client's name for it there.
        place: Where it stands in its body, such as ``jobs.3.``; begins the names of its wrong fields.
    """

    body: JobRequest
    owner_id: UUID | None
    key: str | None
    batch_id: UUID | None = None
    reference: str | None = None
    place: str = ""


@dataclass(frozen=True)
class Defaults:
    """What a job is made with where its request leaves it open."""

    analyzer: str
    model: str
    fusion: str
    window_s: float


class Accepted(NamedTuple):
    """The job of a submission."""

    job_id: UUID
    status: JobStatus
    priority: Priority
    is_new: bool


def submit(submission: Submission, to: Services) -> UUID:
    """Return the id of the job that does what is asked; a new one, or the one the key stands for.

    Raises:
        AvemotionError: The request cannot be taken, or its key stands for another.
    """
    work = [submission]
    check_receivers(work, to)
    try:
        accepted = transact(to.engine, lambda session: accept(session, work, to))
    except IntegrityError:
        # The same request came twice at once, and the other was first: now it is found.
        accepted = transact(to.engine, lambda session: accept(session, work, to))
    wake(accepted, to)
    return accepted[0].job_id


def check_receivers(submissions: Sequence[Submission], to: Services) -> None:
    """Refuse submissions whose webhooks cannot be sent.

    Raises:
        AvemotionError: One of them cannot; all are named.
    """
    asked = [
        Asked(f"{submission.place}webhook_url", submission.body.webhook_url)
        for submission in submissions
        if submission.body.webhook_url is not None
    ]
    check_webhooks(asked, to.settings)


def accept(session: Session, submissions: Sequence[Submission], to: Services) -> list[Accepted]:
    """Return the job of each submission of one owner, in their order: all are taken, or none.

    Raises:
        AvemotionError: One of them cannot be taken, or its key stands for another request.
    """
    known = find_known(session, submissions)
    jobs, new = [], []
    for submission in submissions:
        job = known.get(submission.key)
        if job is None:
            job = plan_job(submission, to)
            new.append((submission, job))
            if submission.key is not None:
                known[submission.key] = job
        else:
            check_same(submission, job)
        jobs.append(job)
    if new:
        admit(session, new, to)
    made = {job.id for _, job in new}
    return [Accepted(job.id, job.status, job.priority, job.id in made) for job in jobs]


def wake(accepted: Sequence[Accepted], to: Services) -> None:
    """Send the messages of those jobs that are new; their transaction is committed."""
    to.publisher.send(list({job.job_id: job.priority for job in accepted if job.is_new}.items()))


def find_known(session: Session, submissions: Sequence[Submission]) -> dict[str | None, Any]:
    """Return the jobs that the submissions' keys stand for already, by key."""
    keys = {submission.key for submission in submissions if submission.key is not None}
    if not keys:
        return {}
    rows = session.execute(
        select(
            *(Job.id, Job.status, Job.priority, Job.idempotency_key, Job.request_sha256),
            *(Job.analyzer, Job.model, Job.fusion, Job.window_s),
        ).where(Job.owner_id == submissions[0].owner_id, Job.idempotency_key.in_(keys))
    )
    return {row.idempotency_key: row for row in rows}


def check_same(submission: Submission, known: Any) -> None:
    """Raise if the job that a submission's key stands for was asked for in another way.

    Raises:
        AvemotionError: It was.
    """
    # What the request leaves open is as it was then: models come and go, and the request is the same.
    again = make_job(submission, Defaults(known.analyzer, known.model, known.fusion, window_s=known.window_s))
    if again.request_sha256 == known.request_sha256:
        return
    if submission.batch_id is not None:
        raise AvemotionError(
            ErrorCode.REFERENCE_CONFLICT,
            f"The reference of {submission.place.rstrip('.')} belongs to a job of this batch that was asked "
            "for with other values.",
        )
    raise AvemotionError(
        ErrorCode.IDEMPOTENCY_MISMATCH,
        "This Idempotency-Key belongs to a request with other values; use a new key for a new job.",
    )


def plan_job(submission: Submission, to: Services) -> Job:
    """Return the row of a new job, with the model, the analyzer and the window that it gets here.

    Raises:
        AvemotionError: Its model is not here, or not of its fusion.
    """
    card = choose(submission.body, to, place=submission.place)
    settings = to.settings
    job = make_job(submission, Defaults(settings.analyzer, card.id, card.fusion, window_s=settings.window_s))
    job.trace_parent = job_trace_parent(of_many=submission.batch_id is not None)
    return job


def make_job(submission: Submission, defaults: Defaults) -> Job:
    """Return the row of a new job with every default filled in."""
    body = submission.body
    window_s = body.window_s or defaults.window_s
    job = Job(
        owner_id=submission.owner_id,
        idempotency_key=submission.key,
        batch_id=submission.batch_id,
        reference=submission.reference,
        video_id=body.video_id,
        audio_id=body.audio_id,
        fusion=body.fusion or defaults.fusion,
        analyzer=body.analyzer or defaults.analyzer,
        model=body.model or defaults.model,
        window_s=window_s,
        stride_s=body.stride_s or window_s,
        priority=body.priority,
        rules=[rule.model_dump() for rule in body.rules],
        webhook_url=normalised(body.webhook_url),
    )
    job.request_sha256 = fingerprint(job)
    return job


def admit(session: Session, new: Sequence[tuple[Submission, Job]], to: Services) -> None:
    """Add the rows of new jobs of one owner, if all of them can be taken.

    Raises:
        AvemotionError: One of them cannot.
    """
    for analyzer in sorted({job.analyzer for _, job in new if job.video_id is not None}):
        check_analyzer(analyzer, to.settings)
    check_depth(session, (job.priority for _, job in new), to.settings)
    # Before uploads are locked, as everywhere.
    check_jobs(session, new[0][0].owner_id, len(new), to.settings)
    wanted = [
        Wanted(f"{submission.place}{kind.value}_id", kind, upload_id)
        for submission, job in new
        for kind, upload_id in ((UploadKind.VIDEO, job.video_id), (UploadKind.AUDIO, job.audio_id))
        if upload_id is not None
    ]
    take_uploads(session, wanted, new[0][0].owner_id, to.settings)
    open_jobs(session, [job for _, job in new])

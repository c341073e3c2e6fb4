"""Taking a chunk of jobs into a batch."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from api.batches.finding import find_batch
from api.services import Services
from api.submission import Accepted, Submission, accept, check_receivers, wake
from shared.database import transact
from shared.errors import AvemotionError, ErrorCode
from shared.schemas.batches import ChunkRequest

# A thousand jobs with long references in any script.
CHUNK_LIMIT_BYTES = 8 * 1024 * 1024


def add_chunk(batch_id: UUID, body: ChunkRequest, owner_id: UUID | None, to: Services) -> dict[str, Any]:
    """Add jobs to a batch in one transaction, and return what the client is told of them.

    Raises:
        AvemotionError: There is no such batch, it is closed, or one of the jobs cannot be taken.
    """
    submissions = [
        Submission(
            body=job,
            owner_id=owner_id,
            key=reference_key(batch_id, job.reference),
            batch_id=batch_id,
            reference=job.reference,
            place=f"jobs.{position}.",
        )
        for position, job in enumerate(body.jobs)
    ]

    # Before the batch is locked: names have to be looked up.
    check_receivers(submissions, to)

    def work(session: Session) -> list[Accepted]:
        # Locked: chunks of one batch come one after another, and none comes after its end.
        batch = find_batch(session, batch_id, owner_id, lock=True)
        if batch.closed_at is not None:
            raise AvemotionError(ErrorCode.CONFLICT, "The batch is closed; make another for more jobs.")
        return accept(session, submissions, to)

    accepted = transact(to.engine, work)
    wake(accepted, to)
    return {
        "jobs": [
            {"job_id": str(job.job_id), "reference": asked.reference, "status": job.status.value}
            for asked, job in zip(submissions, accepted, strict=True)
        ]
    }


def reference_key(batch_id: UUID, reference: str | None) -> str | None:
    """Return the idempotency key that a reference is in its batch; ``None`` without a reference.

    It is of one length, as an index needs it. No client can send it as a key of its own: the line feeds
    cannot be printed.
    """
    if reference is None:
        return None
    return f"batch\n{batch_id}\n{hashlib.sha256(reference.encode()).hexdigest()}"

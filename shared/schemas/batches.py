"""Batches: requests, and what a client is told of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.schemas.jobs import JobRequest, Share
from shared.schemas.webhooks import WebhookInfo, WebhookUrl
from shared.tables import JobStatus, Priority

MOST_JOBS = 1000
LONGEST_NAME = 200
LONGEST_REFERENCE = 1024
# PostgreSQL keeps every character but this one.
WITHOUT_NUL = r"^[^\x00]*$"
Count = Annotated[int, Field(ge=0)]


class BatchRequest(BaseModel):
    """Body of ``POST /batches``."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(max_length=LONGEST_NAME, pattern=WITHOUT_NUL)] | None = Field(
        None, description="What its owner calls the batch."
    )
    webhook_url: WebhookUrl | None = Field(
        None, description="Who is told, once the batch is closed, that its last job has ended."
    )


class BatchJobRequest(JobRequest):
    """One job of a chunk: the fields of ``POST /predict``, and a name for it."""

    reference: (
        Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_REFERENCE, pattern=WITHOUT_NUL)]
        | None
    ) = Field(
        None,
        description="The client's name for the job, such as the path of its file; the column `path` of the "
        "results. Within a batch it stands for one job: the same request again gives that job.",
    )
    priority: Priority = Field(Priority.BULK, description="`bulk` work waits for `interactive`.")


class ChunkRequest(BaseModel):
    """Body of ``POST /batches/{id}/jobs``."""

    model_config = ConfigDict(extra="forbid")

    jobs: list[BatchJobRequest] = Field(
        min_length=1, max_length=MOST_JOBS, description="All of them are taken, or none."
    )


class ChunkJob(BaseModel):
    """A job as it was taken, or as it had been before."""

    job_id: UUID
    reference: str | None
    status: JobStatus


class ChunkDocument(BaseModel):
    """The jobs of a chunk, in the order of the request."""

    jobs: list[ChunkJob]


class Counts(BaseModel):
    """How many jobs of a batch are in each state."""

    queued: Count
    running: Count
    succeeded: Count
    failed: Count
    cancelled: Count
    total: Count


class BatchDocument(BaseModel):
    """A batch and how far it has come."""

    batch_id: UUID
    name: str | None
    created_at: datetime
    closed_at: datetime | None = Field(description="Since when it takes no more jobs.")
    finished_at: datetime | None = Field(description="When, after closing, its last job had ended.")
    counts: Counts
    progress: Share = Field(description="Share of its jobs that have ended.")
    rate_per_s: float = Field(ge=0, description="Jobs scored or failed a second, over the last minute.")
    eta_s: float | None = Field(
        ge=0, description="Seconds until the jobs it has now will have ended; null while nobody can tell."
    )
    errors: dict[str, Count] = Field(description="Failed jobs by error code.")
    webhook: WebhookInfo | None = Field(description="What became of its webhook, if it has one.")


class BatchPage(BaseModel):
    """One page of a listing, newest first."""

    batches: list[BatchDocument]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null on the last.")

"""The tables: the truth about uploads, jobs and every piece of work on them."""

from shared.tables.base import Base
from shared.tables.jobs import ENDED, Batch, Job, JobStatus, Priority
from shared.tables.keys import ApiKey
from shared.tables.uploads import Upload, UploadKind, UploadState
from shared.tables.webhooks import Webhook, WebhookOutcome, WebhookState, WebhookTally
from shared.tables.work import Prediction, Segment, Stage, StageName, WorkStatus

__all__ = [
    "ENDED",
    "ApiKey",
    "Base",
    "Batch",
    "Job",
    "JobStatus",
    "Prediction",
    "Priority",
    "Segment",
    "Stage",
    "StageName",
    "Upload",
    "UploadKind",
    "UploadState",
    "Webhook",
    "WebhookOutcome",
    "WebhookState",
    "WebhookTally",
    "WorkStatus",
]

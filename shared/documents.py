"""The result document, built from rows: one place for the API, ``result.json`` and the client.

The functions return plain JSON-able dicts in the shape of ``shared.schemas.jobs.JobDocument``
(a test holds them to it): building models only to dump them would cost more than the query.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from shared.alerts import find_alerts
from shared.tables import Job, JobStatus, Prediction, Priority, StageName, Webhook, WebhookState

# Enough for any use of a probability, and a short document.
DIGITS = 5


def _seconds(later: Any, earlier: Any) -> float | None:
    return round((later - earlier).total_seconds(), 3) if later and earlier else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _time(value: Any) -> str | None:
    if isinstance(value, str):
        # The database made JSON of it, and left out zeros at its end.
        value = datetime.fromisoformat(value)
    return value.isoformat() if value else None


def _rounded(value: Any, digits: int = DIGITS) -> float | None:
    # A whole number may come from JSON as an int.
    return None if value is None else round(float(value), digits)


def window_document(row: Prediction | Any) -> dict[str, Any]:
    """Return one window's result."""
    return {
        "start_s": _rounded(row.start_s, 3),
        "end_s": _rounded(row.end_s, 3),
        "probabilities": row.probabilities,
        "valence": _rounded(row.valence),
        "arousal": _rounded(row.arousal),
        "modalities": list(row.modalities),
        "face_coverage": _rounded(row.face_coverage),
        "voice_activity": _rounded(row.voice_activity),
    }


def webhook_document(url: str | None, row: Webhook | Any | None) -> dict[str, Any] | None:
    """Return what became of the webhook of a job or batch; ``None`` if it has none.

    Args:
        url: Where its end is told.
        row: Its webhook, once it has ended.
    """
    if url is None:
        return None
    state = None if row is None else WebhookState(row.state)
    return {
        "id": None if row is None else str(row.id),
        "receiver": urlsplit(url).netloc,
        "state": "waiting" if state is None else state.value,
        "attempts": 0 if row is None else row.attempts,
        "next_try_at": _time(row.next_try_at) if row and state is WebhookState.PENDING else None,
        "last_try_at": _time(row.last_try_at) if row else None,
        "last_outcome": row.last_outcome if row else None,
        "last_status": row.last_status if row else None,
    }


def job_document(
    job: Job | Any, windows: Iterable[Prediction | Any] = (), webhook: Webhook | Any | None = None
) -> dict[str, Any]:
    """Return the whole document of a job.

    Rows may come from the ORM or straight from the driver, with plain words for enums.

    Args:
        job: The job.
        windows: Its ended predictions in time order.
        webhook: Its webhook, if it has one and has ended.
    """
    scored = [window_document(row) for row in windows]
    used = {modality for window in scored for modality in window["modalities"]}
    status = JobStatus(job.status)
    return {
        "job_id": str(job.id),
        "status": status.value,
        "stage": None if status.ended else job.stage,
        "progress": 1.0 if status.ended else round(job.stages_done / max(1, job.stages_total), 3),
        "segments": {"done": job.segments_done, "total": job.segments_total},
        "attempt": job.attempt,
        "batch_id": _text(job.batch_id),
        "reference": job.reference,
        "created_at": _time(job.created_at),
        "started_at": _time(job.started_at),
        "finished_at": _time(job.finished_at),
        "expires_at": _time(job.expires_at),
        "options": {
            "video_id": _text(job.video_id),
            "audio_id": _text(job.audio_id),
            "fusion": job.fusion,
            "analyzer": job.analyzer,
            "model": job.model,
            "window_s": job.window_s,
            "stride_s": job.stride_s,
            "priority": Priority(job.priority).value,
            "rules": job.rules,
        },
        "error": {"code": job.error_code, "message": job.error_message} if job.error_code else None,
        "summary": job.summary,
        "windows": scored,
        "alerts": find_alerts(job.rules, scored, job.stride_s),
        "model": job.model_info,
        "analyzer": job.analyzer_info,
        "modalities": [modality for modality in ("video", "audio") if modality in used],
        "warnings": job.warnings,
        "timings": {
            "queue_s": _seconds(job.started_at, job.created_at),
            "stages": {name: job.stage_seconds[name] for name in StageName if name in job.stage_seconds},
            "total_s": _seconds(job.finished_at, job.created_at),
        },
        "media": job.media,
        "webhook": webhook_document(job.webhook_url, webhook),
    }

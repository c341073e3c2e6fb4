"""What is told of webhooks, and what they tell."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from shared.documents import job_document
from shared.tables import Job, Prediction

# Rules may hold in thousands of spans; the job's document has them all.
MOST_ALERTS = 100
TAKEN_OVER = ("job_id", "status", "attempt", "batch_id", "reference", "created_at", "finished_at", "error")


class Event(NamedTuple):
    """A webhook's body, and what it is signed and sent with."""

    webhook_id: UUID
    url: str
    owner_id: UUID | None
    body: str


def job_data(job: Job | Any, windows: Iterable[Prediction | Any]) -> dict[str, Any]:
    """Return the ``data`` of a job's event: its document in short, without windows.

    Args:
        job: An ended job.
        windows: Its ended predictions in time order; they are needed only where the job has rules.
    """
    document = job_document(job, windows)
    model, alerts = document["model"], document["alerts"]
    return {
        **{name: document[name] for name in TAKEN_OVER},
        "summary": document["summary"],
        "alerts": alerts[:MOST_ALERTS],
        "alerts_total": len(alerts),
        "model": {name: model[name] for name in ("id", "trained")} if model else None,
        "warnings": [warning["code"] for warning in document["warnings"]],
        "result": f"/jobs/{job.id}",
    }


def batch_data(document: dict[str, Any]) -> dict[str, Any]:
    """Return the ``data`` of a batch's event: its document without what is said of webhooks."""
    told = {name: value for name, value in document.items() if name != "webhook"}
    return told | {"results": f"/batches/{document['batch_id']}/results.csv"}


def event_body(event: str, happened_at: datetime, data: dict[str, Any]) -> str:
    """Return the body of a webhook, the same on every try."""
    return json.dumps(
        {"type": event, "timestamp": happened_at.isoformat(), "data": data},
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
    )

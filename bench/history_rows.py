"""A long history, written into the database: what years of use leave behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, insert

from shared.tables import Job, JobStatus, Priority

LABELS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
# Of each ten jobs these have not succeeded.
OTHER_ENDS = {3: JobStatus.FAILED, 7: JobStatus.CANCELLED}
STEP_ROWS = 1000


def add_history(engine: Engine, jobs: int, *, batch_id: UUID | None = None) -> None:
    """Write ended jobs of nobody's key, each with another emotion than the one before."""
    with engine.begin() as connection:
        for start in range(0, jobs, STEP_ROWS):
            numbers = range(start, min(start + STEP_ROWS, jobs))
            connection.execute(insert(Job), [row(number, batch_id) for number in numbers])


def row(number: int, batch_id: UUID | None) -> dict[str, Any]:
    """Return one job."""
    now = datetime.now(UTC)
    status = OTHER_ENDS.get(number % 10, JobStatus.SUCCEEDED)
    label, failed = LABELS[number % len(LABELS)], status is JobStatus.FAILED
    confidence = 0.35 + (number % 60) / 100
    return {
        "batch_id": batch_id,
        "reference": f"session {number // 100:03d}/clip {number:05d}.mp4",
        "request_sha256": "history",
        "fusion": "hybrid",
        "analyzer": "landmarker",
        "model": "videomae-nano",
        "window_s": 2.0,
        "stride_s": 2.0,
        "priority": Priority.INTERACTIVE,
        "status": status,
        "error_code": "no_face_found" if failed else None,
        "error_message": "No face was found, and there is no voice to go by." if failed else None,
        "stages_done": 5,
        "stages_total": 5,
        "segments_done": 1,
        "segments_total": 1,
        "media": {"duration_s": 4.2, "fps": 25.0, "width": 640, "height": 480, "sample_rate": 48000},
        "summary": summary(label, confidence) if status is JobStatus.SUCCEEDED else None,
        "model_info": {"id": "videomae-nano", "trained": number % 5 > 0, "labels": list(LABELS)} | MODEL,
        "started_at": now,
        "finished_at": now,
        "expires_at": now + timedelta(days=30),
    }


MODEL = {
    "preset": "nano",
    "fusion": "hybrid",
    "weights_sha256": None,
    "card_url": "/models/videomae-nano",
    "metrics": {},
}


def summary(label: str, confidence: float) -> dict[str, Any]:
    """Return a summary in which ``label`` leads."""
    rest = round((1 - confidence) / (len(LABELS) - 1), 4)
    return {
        "emotion": label,
        "probabilities": {each: confidence if each == label else rest for each in LABELS},
        "valence": 0.1,
        "arousal": 0.2,
        "confidence": confidence,
    }

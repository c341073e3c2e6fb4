"""Job documents for tests, held to the contract."""

from __future__ import annotations

import math
from typing import Any

from shared.schemas.jobs import JobDocument

LABELS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness")
JOB_ID = "0198c0de-0000-7000-8000-000000000001"


def make_document(**changes: Any) -> dict[str, Any]:
    """Return the JSON of a succeeded job with a trained model and two windows, changed as told."""
    document: dict[str, Any] = {
        "job_id": JOB_ID,
        "status": "succeeded",
        "stage": None,
        "progress": 1.0,
        "segments": {"done": 1, "total": 1},
        "attempt": 1,
        "batch_id": None,
        "reference": None,
        "created_at": "2026-03-01T12:00:00+00:00",
        "started_at": "2026-03-01T12:00:00.100000+00:00",
        "finished_at": "2026-03-01T12:00:03.200000+00:00",
        "expires_at": "2026-03-31T12:00:03.200000+00:00",
        "options": {
            "video_id": "0198c0de-0000-7000-8000-000000000002",
            "audio_id": None,
            "fusion": "early",
            "analyzer": "landmarker",
            "model": "videomae-small-crema",
            "window_s": 2.0,
            "stride_s": 2.0,
            "priority": "interactive",
            "rules": [],
        },
        "error": None,
        "summary": make_summary(),
        "windows": make_windows(2),
        "alerts": [],
        "webhook": None,
        "model": {
            "id": "videomae-small-crema",
            "preset": "small",
            "fusion": "early",
            "labels": list(LABELS),
            "weights_sha256": "4f" * 32,
            "trained": True,
            "card_url": "/models/videomae-small-crema",
        },
        "analyzer": {
            "name": "landmarker",
            "version": "1.2",
            "faces_found": 1,
            "usable_frames": 96,
            "frames": 100,
        },
        "modalities": ["video", "audio"],
        "warnings": [],
        "timings": {
            "queue_s": 0.1,
            "stages": {"inference": 0.8, "faces": 1.41, "ingest": 0.2, "sound": 0.3, "fusion": 0.05},
            "total_s": 3.2,
        },
        "media": {"duration_s": 4.0, "fps": 29.97, "width": 1280, "height": 720, "sample_rate": 44100},
    }
    return checked(document | changes)


def make_untrained(**changes: Any) -> dict[str, Any]:
    """Return the JSON of a succeeded job whose model has not been trained."""
    document = make_document()
    model = document["model"] | {
        "id": "videomae-tiny-untrained",
        "preset": "tiny",
        "trained": False,
        "weights_sha256": None,
    }
    warning = {
        "code": "untrained_model",
        "message": "The model has not been trained: its numbers mean nothing.",
    }
    return checked(document | {"model": model, "warnings": [warning]} | changes)


def make_open(**changes: Any) -> dict[str, Any]:
    """Return the JSON of a job that has just been accepted."""
    nothing: dict[str, Any] = {"summary": None, "windows": [], "model": None, "analyzer": None, "media": None}
    times = {"started_at": None, "finished_at": None, "expires_at": None}
    timings: dict[str, Any] = {"queue_s": None, "stages": {}, "total_s": None}
    begun = {"status": "queued", "progress": 0.0, "segments": {"done": 0, "total": 0}, "modalities": []}
    return checked(make_document() | nothing | times | begun | {"timings": timings} | changes)


def make_failed(code: str, message: str, **changes: Any) -> dict[str, Any]:
    """Return the JSON of a failed job."""
    document = make_document(summary=None, windows=[], modalities=[], analyzer=None)
    return checked(
        document | {"status": "failed", "error": {"code": code, "message": message}, "model": None} | changes
    )


def make_summary(first: float = 0.724) -> dict[str, Any]:
    """Return a summary in which happiness has the probability ``first``."""
    rest = (1 - first) / (len(LABELS) - 1)
    probabilities = dict.fromkeys(LABELS, round(rest, 5)) | {"happiness": first}
    return {
        "emotion": "happiness",
        "probabilities": probabilities,
        "valence": 0.61,
        "arousal": -0.32,
        "confidence": first,
    }


def make_windows(count: int, length_s: float = 2.0, **changes: Any) -> list[dict[str, Any]]:
    """Return windows one after the other, whose scores wander."""
    windows = []
    for index in range(count):
        first = 0.5 + 0.4 * math.sin(index / 6)
        windows.append(
            {
                "start_s": index * length_s,
                "end_s": (index + 1) * length_s,
                "probabilities": make_summary(round(first, 5))["probabilities"],
                "valence": round(0.8 * math.sin(index / 8), 5),
                "arousal": round(0.5 * math.cos(index / 5), 5),
                "modalities": ["video", "audio"],
                "face_coverage": 0.96,
                "voice_activity": 0.7,
            }
            | changes
        )
    return windows


def checked(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document, which must conform to the contract."""
    JobDocument.model_validate(document)
    return document

"""Bulk results: one flat row a job, the same columns whatever the format of the file.

A row is the result document of ``shared.documents`` without its windows and its nesting. What is not
known is ``None``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.documents import DIGITS
from shared.tables import Job, JobStatus

PROBABILITY = "p_"
BEFORE_PROBABILITIES = ("path", "job_id", "status", "error_code", "error_message", "emotion")
AFTER_PROBABILITIES = (
    "valence",
    "arousal",
    "confidence",
    "duration_s",
    "faces_usable",
    "modalities",
    "model_id",
    "trained",
    "warnings",
)
NUMBERS = frozenset({"valence", "arousal", "confidence", "duration_s", "faces_usable"})
FLAGS = frozenset({"trained"})


def columns_of(labels: Sequence[str]) -> list[str]:
    """Return the names of a row's columns in their order, one column of probabilities a label."""
    return [*BEFORE_PROBABILITIES, *(f"{PROBABILITY}{label}" for label in labels), *AFTER_PROBABILITIES]


def type_of(column: str) -> type[float | bool | str]:
    """Return the type of a column's values: ``float``, ``bool`` or ``str``; each may be ``None`` too."""
    if column in FLAGS:
        return bool
    return float if column in NUMBERS or column.startswith(PROBABILITY) else str


def row_of(job: Job | Any, labels: Sequence[str], modalities: Sequence[str] = ()) -> dict[str, Any]:
    """Return the row of a job, its values in the order of ``columns_of``.

    Args:
        job: A job from the ORM, or a row with its columns.
        labels: Emotions that get a column; those that the job's model does not know stay ``None``.
        modalities: What its windows were scored by, out of ``video`` and ``audio``.
    """
    summary, model = job.summary or {}, job.model_info or {}
    probabilities = summary.get("probabilities") or {}
    used = [modality for modality in ("video", "audio") if modality in modalities]
    return {
        "path": job.reference,
        "job_id": str(job.id),
        "status": JobStatus(job.status).value,
        "error_code": job.error_code,
        "error_message": job.error_message,
        "emotion": summary.get("emotion"),
        **{f"{PROBABILITY}{label}": _number(probabilities.get(label)) for label in labels},
        "valence": _number(summary.get("valence")),
        "arousal": _number(summary.get("arousal")),
        "confidence": _number(summary.get("confidence")),
        "duration_s": _number((job.media or {}).get("duration_s")),
        "faces_usable": _usable_share(job.analyzer_info),
        "modalities": "+".join(used) or None,
        "model_id": job.model,
        "trained": model.get("trained"),
        "warnings": ";".join(warning["code"] for warning in job.warnings) or None,
    }


def _number(value: Any) -> float | None:
    # A whole number may come from JSON as an int, which a typed column would refuse.
    return None if value is None else round(float(value), DIGITS)


def _usable_share(analyzer: dict[str, Any] | None) -> float | None:
    """Return the share of frames with a usable face; ``None`` if none was looked at."""
    if not analyzer or not analyzer.get("frames"):
        return None
    return _number(analyzer["usable_frames"] / analyzer["frames"])

"""The end of a segment and of a job: what its windows say together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from shared.documents import DIGITS
from shared.errors import ErrorCode, WarningCode
from shared.lifecycle import OPEN_WORK, end_job, warning
from shared.settings import Settings
from shared.tables import Job, JobStatus, Prediction, Stage, StageName, WorkStatus
from worker.lease import count_done

# Less of a clip than this with a face is worth a warning.
FACE_SHARE = 0.9
# A window of which nothing was seen or heard for sure still counts for something.
LEAST_WEIGHT = 0.05


def close_segment(session: Session, job: Job, segment_id: UUID, settings: Settings) -> None:
    """End a segment whose windows are all scored or skipped, and the job with its last segment.

    ``job`` is locked; a segment that still has open windows, or was closed before, is left alone.
    """
    waiting = select(func.count()).where(
        Prediction.segment_id == segment_id, Prediction.status.in_(OPEN_WORK)
    )
    if session.scalar(waiting):
        return
    closed = session.scalar(
        update(Stage)
        .where(
            Stage.segment_id == segment_id, Stage.name == StageName.INFERENCE, Stage.status != WorkStatus.DONE
        )
        .values(status=WorkStatus.DONE, lease_until=None)
        .returning(Stage.id)
    )
    if closed is None:
        return
    count_done(job, StageName.INFERENCE)
    job.segments_done += 1
    if job.segments_done == job.segments_total:
        conclude(session, job, settings)


def conclude(session: Session, job: Job, settings: Settings) -> None:
    """End a locked job whose segments are all done: with a summary, or with a typed error."""
    windows = session.scalars(
        select(Prediction).where(Prediction.job_id == job.id).order_by(Prediction.start_s)
    ).all()
    outputs: dict[StageName, list[dict[str, Any]]] = defaultdict(list)
    for row in session.execute(select(Stage.name, Stage.output).where(Stage.job_id == job.id)):
        outputs[row.name].append(row.output or {})
    faces, sounds = outputs[StageName.FACES], outputs[StageName.SOUND]
    job.analyzer_info = analyzer_document(faces)
    scored = [window for window in windows if window.status is WorkStatus.DONE]
    if not scored:
        end_job(session, job, JobStatus.FAILED, settings, error=nothing_to_score(faces, sounds))
        return
    job.warnings = [*job.warnings, *warnings_of(faces, sounds)]
    job.summary = summarise(scored)
    end_job(session, job, JobStatus.SUCCEEDED, settings)


def analyzer_document(faces: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the ``analyzer`` part of the result document; ``None`` if no stage looked for faces."""
    if not faces:
        return None
    return {
        **faces[0]["analyzer"],
        "faces_found": max(output["most_faces"] for output in faces),
        "usable_frames": sum(output["usable_frames"] for output in faces),
        "frames": sum(output["frames"] for output in faces),
    }


def nothing_to_score(
    faces: Sequence[dict[str, Any]], sounds: Sequence[dict[str, Any]]
) -> tuple[ErrorCode, str]:
    """Return why no window could be scored."""
    if not faces:
        return ErrorCode.NO_SOUND, "The sound is silent from start to end, and there is no picture to go by."
    sound = "the sound is silent" if sounds else "the clip has no sound"
    return ErrorCode.NO_FACE_FOUND, f"No face was found in the picture, and {sound}."


def warnings_of(faces: Sequence[dict[str, Any]], sounds: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the stages give reason to warn of."""
    found: list[WarningCode] = []
    if faces:
        usable = sum(output["usable_frames"] for output in faces)
        frames = sum(output["frames"] for output in faces)
        if usable == 0:
            found.append(WarningCode.NO_FACE)
        elif usable < FACE_SHARE * frames:
            found.append(WarningCode.FACE_PARTLY)
        if any(output["most_faces"] > 1 for output in faces):
            found.append(WarningCode.SEVERAL_FACES)
        told = {code for output in faces for code in output.get("warnings", ())}
        found += [code for code in WarningCode if code.code in told]
    if sounds and all(output["silent"] for output in sounds):
        found.append(WarningCode.SILENT_SOUND)
    return [warning(code) for code in found]


def weight(window: Prediction) -> float:
    """Return how much a window counts: the share of it that holds a face or a voice."""
    seen = (window.face_coverage or 0.0) if "video" in window.modalities else 0.0
    heard = (window.voice_activity or 0.0) if "audio" in window.modalities else 0.0
    return max(seen, heard, LEAST_WEIGHT)


def summarise(windows: Sequence[Prediction]) -> dict[str, Any]:
    """Return the weighted mean of scored windows as the ``summary`` part of the result document."""
    total = sum(map(weight, windows))
    probabilities: dict[str, float] = defaultdict(float)
    valence = arousal = 0.0
    for window in windows:
        share = weight(window) / total
        for label, probability in (window.probabilities or {}).items():
            probabilities[label] += share * probability
        valence += share * (window.valence or 0.0)
        arousal += share * (window.arousal or 0.0)
    emotion = max(probabilities, key=lambda label: probabilities[label])
    return {
        "emotion": emotion,
        "probabilities": {label: round(value, DIGITS) for label, value in probabilities.items()},
        "valence": round(valence, DIGITS),
        "arousal": round(arousal, DIGITS),
        "confidence": round(probabilities[emotion], DIGITS),
    }

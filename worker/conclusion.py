"""The end of a segment and of a job: what its windows say together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any, Protocol, cast
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, func, select, update
from sqlalchemy.orm import Session

from shared.database import make_durable
from shared.documents import DIGITS
from shared.errors import ErrorCode, WarningCode
from shared.lifecycle import OPEN_WORK, expiry, settle_job, warning
from shared.settings import Settings
from shared.tables import Job, JobStatus, Prediction, Stage, StageName, WorkStatus
from worker.lease import count_done

# Less of a clip than this with a face is worth a warning.
FACE_SHARE = 0.9
# A window of which nothing was seen or heard for sure still counts for something.
LEAST_WEIGHT = 0.05


_OPEN_WINDOW = select(Prediction.id).where(
    Prediction.segment_id == Stage.segment_id, Prediction.status.in_(OPEN_WORK)
)
_CLOSE = (
    update(Stage)
    .where(
        Stage.segment_id.in_(bindparam("segments_", expanding=True)),
        Stage.name == StageName.INFERENCE,
        Stage.status != WorkStatus.DONE,
        ~_OPEN_WINDOW.exists(),
    )
    .values(status=WorkStatus.DONE, lease_until=None)
    .returning(Stage.job_id)
    .execution_options(synchronize_session=False)
)
_OF_JOBS: BindParameter[Any] = bindparam("jobs_", expanding=True)
_WINDOWS = (
    select(
        Prediction.job_id,
        Prediction.status,
        Prediction.modalities,
        Prediction.face_coverage,
        Prediction.voice_activity,
        Prediction.probabilities,
        Prediction.valence,
        Prediction.arousal,
    )
    .where(Prediction.job_id.in_(_OF_JOBS))
    .order_by(Prediction.job_id, Prediction.start_s)
)
_OUTPUTS = select(Stage.job_id, Stage.name, Stage.output).where(Stage.job_id.in_(_OF_JOBS))


class Scores(Protocol):
    """What is known of a window: the columns of its row."""

    status: WorkStatus
    modalities: list[str]
    face_coverage: float | None
    voice_activity: float | None
    probabilities: dict[str, Any] | None
    valence: float | None
    arousal: float | None


def close_segments(
    session: Session, jobs: Sequence[Job], segment_ids: Collection[UUID], settings: Settings
) -> None:
    """End those segments whose windows are all scored or skipped, and their jobs with the last of them.

    ``jobs`` are locked; a segment that still has open windows, or was closed before, is left alone.
    """
    closed = Counter(session.scalars(_CLOSE, {"segments_": list(segment_ids)}))
    ending = []
    for job in jobs:
        for _ in range(closed[job.id]):
            count_done(job, StageName.INFERENCE)
            job.segments_done += 1
        if closed[job.id] and job.segments_done == job.segments_total:
            ending.append(job)
    if ending:
        conclude(session, ending, settings)


def conclude(session: Session, jobs: Sequence[Job], settings: Settings) -> None:
    """End locked jobs whose segments are all done: each with a summary, or with a typed error."""
    make_durable(session)
    ids = {"jobs_": [job.id for job in jobs]}
    windows: dict[UUID, list[Scores]] = defaultdict(list)
    for window in session.execute(_WINDOWS, ids):
        windows[window.job_id].append(cast("Scores", window))
    outputs: dict[tuple[UUID, StageName], list[dict[str, Any]]] = defaultdict(list)
    for row in session.execute(_OUTPUTS, ids):
        outputs[row.job_id, row.name].append(row.output or {})
    times = expiry(session.scalars(select(func.now())).one(), settings)
    for job in jobs:
        faces, sounds = outputs[job.id, StageName.FACES], outputs[job.id, StageName.SOUND]
        job.analyzer_info = analyzer_document(faces)
        scored = [window for window in windows[job.id] if window.status is WorkStatus.DONE]
        if not scored:
            settle_job(session, job, JobStatus.FAILED, times, error=nothing_to_score(faces, sounds))
            continue
        job.warnings = [*job.warnings, *warnings_of(faces, sounds)]
        job.summary = summarise(scored)
        settle_job(session, job, JobStatus.SUCCEEDED, times)


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


def weight(window: Scores) -> float:
    """Return how much a window counts: the share of it that holds a face or a voice."""
    seen = (window.face_coverage or 0.0) if "video" in window.modalities else 0.0
    heard = (window.voice_activity or 0.0) if "audio" in window.modalities else 0.0
    return max(seen, heard, LEAST_WEIGHT)


def summarise(windows: Sequence[Scores]) -> dict[str, Any]:
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

"""``ingest``: probe the media, check limits, cut the job into segments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from shared.catalog import ModelCard
from shared.errors import AvemotionError, ErrorCode, WarningCode
from shared.lifecycle import warning
from shared.tables import StageName, Upload
from worker.assignment import Assignment
from worker.media.material import Material, length_of_sound, probe_within
from worker.media.probe import MediaInfo
from worker.runner import Result
from worker.segments import Cut
from worker.stages.media_file import media_file
from worker.stages.model_card import card_of
from worker.toolkit import Toolkit
from worker.windows import plan_segments, plan_windows

# Below this a face is a handful of pixels.
SMALL_SIDE_PIXELS = 120
# A recording at 8 kHz holds nothing above 4 kHz.
LOW_RATE_HZ = 8000
HEADER_ERROR_SHARE = 0.2
DIFFERENCE_S = 1.0


def run(assignment: Assignment, kit: Toolkit, checkpoint: Callable[[], None]) -> Result:
    """Probe a job's uploads and plan its segments and windows.

    Raises:
        AvemotionError: The media cannot be scored, or the job asks for more than is allowed.
    """
    job = assignment.job
    if job.video_id is None and job.audio_id is None:
        raise AvemotionError(ErrorCode.MEDIA_MISSING, "The upload of this job has expired or was deleted.")
    picture = _probe(assignment.video, kit, checkpoint) if job.video_id else None
    voice = _probe(assignment.audio, kit, checkpoint) if job.audio_id else None
    check_streams(picture, voice)
    material = Material(picture, voice)
    sound, duration_s = material.sound, material.duration_s
    windows = plan_windows(duration_s, job.window_s, job.stride_s)
    if len(windows) > kit.settings.max_windows:
        raise AvemotionError(
            ErrorCode.MEDIA_TOO_LONG,
            f"The job would have {len(windows)} windows, more than the {kit.settings.max_windows} allowed; "
            "use a longer stride or a shorter clip.",
        )
    plans = plan_segments(windows, kit.settings.segment_s)
    stages = stages_of(picture, sound)
    warnings = warnings_of(picture, voice, sound, job.window_s)
    card = card_of(job.model, kit.settings)
    output = {
        "video": asdict(picture) if picture else None,
        "sound": asdict(sound) if sound else None,
        "sound_from": None if sound is None else "audio" if voice else "video",
    }

    changes = {
        "media": media_document(picture, sound, duration_s),
        "model_info": card.in_results(),
        "warnings": [*warnings, *warnings_of_model(card)],
        "segments_total": len(plans),
        # This one is among them.
        "stages_total": 1 + len(plans) * len(stages),
    }
    return Result(output, changes, cut=Cut(plans, stages))


def _probe(upload: Upload | None, kit: Toolkit, checkpoint: Callable[[], None]) -> MediaInfo:
    if upload is None:
        raise AvemotionError(ErrorCode.MEDIA_MISSING, "The upload of this job has expired or was deleted.")
    with media_file(upload, kit) as path:
        return probe_within(path, upload.demuxer, kit.settings, checkpoint)


def check_streams(picture: MediaInfo | None, voice: MediaInfo | None) -> None:
    """Raise the typed error for media without the stream that they were uploaded for."""
    if picture is not None and not picture.has_video:
        hint = " It has sound: upload it to /upload/audio." if picture.has_audio else ""
        raise AvemotionError(
            ErrorCode.NO_VIDEO_STREAM, "The file uploaded as video holds no moving picture." + hint
        )
    if voice is not None and not voice.has_audio:
        hint = " It has a picture: upload it to /upload/video." if voice.has_video else ""
        raise AvemotionError(ErrorCode.NO_SOUND, "The file uploaded as audio holds no sound." + hint)


def stages_of(picture: MediaInfo | None, sound: MediaInfo | None) -> tuple[StageName, ...]:
    """Return the stages that a segment of these media goes through, in order."""
    return (
        *((StageName.FACES,) if picture else ()),
        *((StageName.SOUND,) if sound else ()),
        StageName.FUSION,
        StageName.INFERENCE,
    )


def media_document(picture: MediaInfo | None, sound: MediaInfo | None, duration_s: float) -> dict[str, Any]:
    """Return the ``media`` part of the result document."""
    return {
        "duration_s": round(duration_s, 3),
        "fps": round(picture.fps, 3) if picture and picture.fps else None,
        "width": picture.width if picture else None,
        "height": picture.height if picture else None,
        "sample_rate": sound.sample_rate if sound else None,
    }


def warnings_of(
    picture: MediaInfo | None, voice: MediaInfo | None, sound: MediaInfo | None, window_s: float
) -> list[dict[str, Any]]:
    """Return what the media alone give reason to warn of."""
    found: list[WarningCode] = []
    media = [info for info in (picture, voice) if info]
    if any(info.truncated for info in media):
        found.append(WarningCode.MEDIA_TRUNCATED)
    elif any(_header_lies(info) for info in media):
        found.append(WarningCode.DURATION_CORRECTED)
    if picture and min(picture.width or 0, picture.height or 0) < SMALL_SIDE_PIXELS:
        found.append(WarningCode.SMALL_PICTURE)
    if picture and sound is None:
        found.append(WarningCode.NO_SOUND_STREAM)
    if sound and (sound.sample_rate or LOW_RATE_HZ + 1) <= LOW_RATE_HZ:
        found.append(WarningCode.LOW_SAMPLE_RATE)
    if picture and voice and abs(picture.duration_s - length_of_sound(voice)) > DIFFERENCE_S:
        found.append(WarningCode.DURATIONS_DIFFER)
    if Material(picture, voice).duration_s < window_s:
        found.append(WarningCode.SHORT_CLIP)
    return [warning(code) for code in found]


def _header_lies(info: MediaInfo) -> bool:
    stated = info.header_duration_s
    return stated is not None and abs(stated - info.duration_s) > max(
        DIFFERENCE_S, HEADER_ERROR_SHARE * info.duration_s
    )


def warnings_of_model(card: ModelCard) -> list[dict[str, Any]]:
    """Return what a model's card warns of, such as that it has not been trained."""
    return [warning(code) for code in WarningCode if code.code in card.warnings]

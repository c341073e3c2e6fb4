"""``sound``: features of a segment's voice, and where in it there is one."""

from __future__ import annotations

from collections.abc import Callable

from shared.errors import AvemotionError, ErrorCode
from worker.assignment import Assignment
from worker.audio.features import extract, save
from worker.audio.images import encode_png, overview
from worker.audio.scales import LOG_MEL, MFCC
from worker.audio.settings import check_audio
from worker.audio.voice import is_silent, voice_activity
from worker.media.probe import MediaInfo
from worker.media.sound import read_sound
from worker.runner import Result
from worker.stages.model_card import card_of
from worker.toolkit import Toolkit

# The images of a segment's first and last windows show a little of what lies outside it.
MARGIN_S = 1.0


def run(assignment: Assignment, kit: Toolkit, checkpoint: Callable[[], None]) -> Result:
    """Listen to the segment.

    Raises:
        AvemotionError: The media are gone or their sound cannot be decoded, or the model was made for sound
            as it is not heard here.
    """
    settings, segment = kit.settings, assignment.span
    check_audio(card_of(assignment.job.model, settings))
    upload = assignment.audio or assignment.video
    if upload is None:
        raise AvemotionError(ErrorCode.MEDIA_MISSING, "The sound of this job was deleted while it ran.")
    start_s = max(0.0, segment.start_s - MARGIN_S)
    with kit.storage.local(upload.storage_key) as path:
        sound = read_sound(
            path,
            MediaInfo(**assignment.facts["sound"]),
            start_s=start_s,
            end_s=segment.end_s + MARGIN_S,
            memory_mb=settings.decode_memory_mb,
            time_limit_s=settings.stage_time_limit_s,
            checkpoint=checkpoint,
        )
    features = extract(sound, start_s)
    checkpoint()
    names = {"features": "sound.npz", "mel_png": "mel.png", "mfcc_png": "mfcc.png"}
    keys = {name: f"{assignment.prefix}/{file}" for name, file in names.items()}
    kit.storage.write(keys["features"], save(features))
    kit.storage.write(keys["mel_png"], encode_png(overview(features.log_mel, LOG_MEL)))
    kit.storage.write(keys["mfcc_png"], encode_png(overview(features.mfcc, MFCC)))
    voice = voice_activity(sound, assignment.windows, start_s=start_s)
    return Result({**keys, "silent": is_silent(sound), "voice_activity": [round(float(v), 4) for v in voice]})

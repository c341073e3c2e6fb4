"""``sound``: features of a segment's voice, and where in it there is one."""

from __future__ import annotations

from collections.abc import Callable

from shared.errors import AvemotionError, ErrorCode
from worker.assignment import Assignment
from worker.audio.features import save, span_s
from worker.audio.images import encode_png, overview
from worker.audio.scales import LOG_MEL, MFCC
from worker.audio.segment import ACTIVITY_DIGITS, listen
from worker.audio.settings import check_audio
from worker.media.probe import MediaInfo
from worker.runner import Result
from worker.stages.media_file import media_file
from worker.stages.model_card import card_of
from worker.stages.segment import segment_of
from worker.toolkit import Toolkit

TIME_DIGITS = 3


def run(assignment: Assignment, kit: Toolkit, checkpoint: Callable[[], None]) -> Result:
    """Listen to the segment.

    Raises:
        AvemotionError: The media are gone or their sound cannot be decoded, or the model was made for sound
            as it is not heard here.
    """
    check_audio(card_of(assignment.job.model, kit.settings))
    upload = assignment.audio or assignment.video
    if upload is None:
        raise AvemotionError(ErrorCode.MEDIA_MISSING, "The sound of this job was deleted while it ran.")
    media = MediaInfo(**assignment.facts["sound"])
    with media_file(upload, kit) as path:
        heard = listen(path, media, segment_of(assignment), kit.settings, checkpoint)
    names = {"features": "sound.npz", "mel_png": "mel.png", "mfcc_png": "mfcc.png"}
    keys = {name: f"{assignment.prefix}/{file}" for name, file in names.items()}
    kit.storage.write(keys["features"], save(heard.features))
    kit.storage.write(keys["mel_png"], encode_png(overview(heard.features.log_mel, LOG_MEL)))
    kit.storage.write(keys["mfcc_png"], encode_png(overview(heard.features.mfcc, MFCC)))
    voice = [round(float(share), ACTIVITY_DIGITS) for share in heard.activity]
    shown_s = [round(time_s, TIME_DIGITS) for time_s in span_s(heard.features)]
    return Result({**keys, "shown_s": shown_s, "silent": heard.silent, "voice_activity": voice})

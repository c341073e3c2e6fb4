"""The media of one job, probed: which of them is the picture, which the sound, and how long it all is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.settings import Settings
from worker.media.probe import MediaInfo, probe
from worker.media.sandbox import no_checkpoint


@dataclass(frozen=True)
class Material:
    """What ``probe`` said of a job's media.

    Attributes:
        picture: Of the file given as video; None without one.
        voice: Of the file given as audio; None without one.
    """

    picture: MediaInfo | None
    voice: MediaInfo | None

    @property
    def sound(self) -> MediaInfo | None:
        """The media whose sound is used: the audio, or else the video if it has any."""
        return self.voice or (self.picture if self.picture and self.picture.has_audio else None)

    @property
    def duration_s(self) -> float:
        """Length of the video, or of the audio where there is no video."""
        return self.picture.duration_s if self.picture else length_of_sound(self.voice)


def length_of_sound(voice: MediaInfo | None) -> float:
    """Return the length of the sound, also of a file that holds a picture as well."""
    return (voice.audio_duration_s or voice.duration_s) if voice else 0.0


def probe_within(
    path: Path, demuxer: str, settings: Settings, checkpoint: Callable[[], None] = no_checkpoint
) -> MediaInfo:
    """Probe a file within the limits of settings; arguments and errors are those of ``probe``."""
    return probe(
        path,
        demuxer,
        max_pixels=settings.max_pixels,
        max_duration_s=settings.max_duration_s,
        memory_mb=settings.decode_memory_mb,
        time_limit_s=settings.stage_time_limit_s,
        checkpoint=checkpoint,
    )

"""What a file holds, found by reading all of it: headers lie, and some have nothing to say."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

# PyAV would import these where a file has subtitles: in the child, which can open no module.
import av.subtitles.codeccontext
import av.subtitles.stream
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from pydantic import TypeAdapter, ValidationError

from shared.errors import AvemotionError, ErrorCode
from worker.media.confinement import Reach
from worker.media.sandbox import no_checkpoint, run_limited
from worker.media.tracks import Clock, Track, find_tracks, pose_of

TRUNCATED_BELOW = 0.95
"""Share of what the header promises, below which a file counts as cut off."""
ABSURD_ABOVE = 10
"""Times the true duration, above which a header is wrong and the file not cut off."""

# These say how long they are; of the others FFmpeg guesses it from the bit rate.
_HEADER_DEMUXERS = frozenset(("mov", "matroska", "avi", "flv", "asf", "wav", "flac", "aiff"))


@dataclass(frozen=True)
class MediaInfo:
    """What is in a file, measured.

    Attributes:
        demuxer: FFmpeg's name of the container, as ``shared.sniff`` found it.
        duration_s: Length of the video, or of the sound where there is no video.
        header_duration_s: What the header claims; None if it claims nothing.
        video_duration_s: From the start of the media to the end of the last frame; None without video.
        audio_duration_s: The same, of the sound.
        fps: Mean frame rate.
        width: Width in square pixels of the upright picture.
        height: Its height.
        rotation: Degrees (0, 90, 180, 270) to turn stored pictures counter-clockwise, to stand upright.
        mirrored: Whether to swap their left and right before that.
        frame_count: Frames of the video; 0 without video.
        sample_rate: Of the sound as stored, in Hz.
        channels: Of the sound as stored.
        video_stream: Index of the stream that was measured; None if no frame of any can be decoded.
        audio_stream: The same, of the sound.
        truncated: Whether the file ends before what its header promises.
    """

    demuxer: str
    duration_s: float
    header_duration_s: float | None = None
    video_duration_s: float | None = None
    audio_duration_s: float | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    rotation: int = 0
    mirrored: bool = False
    frame_count: int = 0
    sample_rate: int | None = None
    channels: int | None = None
    video_stream: int | None = None
    audio_stream: int | None = None
    truncated: bool = False

    @property
    def has_video(self) -> bool:
        """Whether there is a picture that can be decoded."""
        return self.video_stream is not None

    @property
    def has_audio(self) -> bool:
        """Whether there is sound that can be decoded."""
        return self.audio_stream is not None


_MEDIA_INFO = TypeAdapter(MediaInfo)


def probe(  # noqa: PLR0913 - each limit is named.
    path: Path,
    demuxer: str,
    *,
    max_pixels: int,
    max_duration_s: float,
    memory_mb: int,
    time_limit_s: float,
    checkpoint: Callable[[], None] = no_checkpoint,
) -> MediaInfo:
    """Read all of a file, decode its first picture and sound, and return what it holds.

    Args:
        path: The file.
        demuxer: The one demuxer that may open it.
        max_pixels: Largest picture, width times height.
        max_duration_s: Longest media; reading stops there.
        memory_mb: Address space of the child that reads.
        time_limit_s: Wall clock of the child that reads.
        checkpoint: Called about ten times a second; may raise to abort.

    Raises:
        AvemotionError: `MEDIA_UNREADABLE`, `MEDIA_TOO_LARGE`, `MEDIA_TOO_LONG`, `OUT_OF_MEMORY`, `TIMEOUT`.
    """
    if path.stat().st_size == 0:
        raise AvemotionError(ErrorCode.MEDIA_UNREADABLE, "The file is empty.")
    measured = run_limited(
        _measure,
        path,
        demuxer,
        max_pixels,
        max_duration_s,
        memory_mb=memory_mb,
        time_limit_s=time_limit_s,
        checkpoint=checkpoint,
        reach=Reach((path,)),
    )
    try:
        return _MEDIA_INFO.validate_python(measured)
    except ValidationError as error:
        raise AvemotionError(ErrorCode.MEDIA_UNREADABLE) from error


def _measure(path: Path, demuxer: str, max_pixels: int, max_duration_s: float) -> dict[str, Any]:
    """Read the file; runs in the child."""
    source = os.open(path, os.O_RDONLY)
    # A file descriptor is the only thing that the demuxer, or one nested in it, may open.
    options = {"fd": str(source), "protocol_whitelist": "fd", "format_whitelist": demuxer}
    try:
        container = av.open("fd:", format=demuxer, container_options=options, metadata_errors="ignore")
    except MemoryError:
        raise
    except av.FFmpegError as error:
        raise AvemotionError(
            ErrorCode.MEDIA_UNREADABLE,
            "The file is damaged or incomplete; a recording that was cut off lacks its index.",
        ) from error
    with container:
        tracks = find_tracks(container, demuxer, max_pixels)
        if tracks:
            _read(container, tracks, Clock(demuxer), max_duration_s)
        return dataclasses.asdict(_describe(container, demuxer, tracks))


def _read(container: InputContainer, tracks: list[Track], clock: Clock, max_duration_s: float) -> None:
    """Pass every packet to its track, up to the end, a break in the file, or the longest duration."""
    by_index = {track.stream.index: track for track in tracks}
    try:
        for packet in container.demux([track.stream for track in tracks]):
            track = by_index[packet.stream_index]
            track.take(packet, clock.shift_s(packet))
            if track.end_s > max_duration_s:
                raise AvemotionError(
                    ErrorCode.MEDIA_TOO_LONG, f"The media are longer than {max_duration_s:g} seconds."
                )
    except MemoryError:
        raise
    except av.FFmpegError:
        # The media end where the file is broken.
        return


def _describe(container: InputContainer, demuxer: str, tracks: list[Track]) -> MediaInfo:
    """Put together what the tracks have shown."""
    good = {track.stream.type: track for track in tracks if track.frame is not None}
    video, audio = good.get("video"), good.get("audio")
    main = video or audio
    if main is None:
        raise AvemotionError(
            ErrorCode.MEDIA_UNREADABLE,
            "No picture and no sound in the file can be decoded."
            if tracks
            else "The file holds neither video nor sound.",
        )
    header_s = (
        container.duration / av.time_base if container.duration and demuxer in _HEADER_DEMUXERS else None
    )
    info = MediaInfo(
        demuxer,
        duration_s=main.end_s,
        header_duration_s=header_s,
        truncated=_is_truncated(main, demuxer, header_s),
    )
    if audio is not None and isinstance(audio.frame, AudioFrame):
        info = dataclasses.replace(
            info,
            audio_duration_s=audio.end_s,
            sample_rate=audio.frame.sample_rate,
            channels=audio.frame.layout.nb_channels,
            audio_stream=audio.stream.index,
        )
    if video is not None and isinstance(video.frame, VideoFrame) and isinstance(video.stream, VideoStream):
        info = dataclasses.replace(
            info,
            **dataclasses.asdict(pose_of(video.frame, video.stream)),
            video_duration_s=video.end_s,
            fps=video.rate,
            frame_count=video.packets,
            video_stream=video.stream.index,
        )
    return info


def _is_truncated(track: Track, demuxer: str, header_s: float | None) -> bool:
    """Tell a file that was cut off from one whose header lies."""
    promised = track.stream.frames
    if demuxer == "mov" and track.stream.type == "video" and promised:
        # Its index lists every frame: those that are missing were cut off.
        return track.packets < TRUNCATED_BELOW * promised
    if header_s is None:
        return False
    return header_s / ABSURD_ABOVE <= track.end_s < TRUNCATED_BELOW * header_s

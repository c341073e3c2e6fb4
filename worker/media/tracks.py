"""One stream of a file, measured packet by packet and decoded up to its first good frame."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.sidedata.sidedata import SideData
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from shared.errors import AvemotionError, ErrorCode

# Containers that state a picture's size: where they seem not to, FFmpeg threw an impossible one away.
_SIZED_DEMUXERS = frozenset(("mov", "matroska", "avi", "asf"))
# Beyond these a pixel's shape is a mistake.
_NARROWEST_PIXEL, _WIDEST_PIXEL = 0.25, 4.0
_FALLBACK_FPS = 25.0
_QUARTER = 90
# A display matrix: three rows of three.
_MATRIX = struct.Struct("=9i")

# Containers made for joining and for endless streams, and what FFmpeg takes for a jump there.
_JUMPING_DEMUXERS = frozenset(("mpegts", "mpeg", "flv", "ogg"))
_JUMP_S = 10.0


class Track:
    """A stream as its packets show it, whatever its header says.

    Attributes:
        stream: The stream.
        packets: How many packets are for showing (an edit list may hide some).
        frame: The first frame that decodes without damage; None if there is none.
    """

    def __init__(self, stream: VideoStream | AudioStream, start_s: float) -> None:
        """Begin to measure a stream of media whose time zero is at ``start_s`` on the stream's clock."""
        self.stream = stream
        self.packets = 0
        self.frame: VideoFrame | AudioFrame | None = None
        self._start_s = start_s
        self._tick_s = float(stream.time_base or 0)
        self._first_s = math.inf
        self._last_s = -math.inf
        self._end_s = -math.inf

    def take(self, packet: Packet[Any], shift_s: float = 0) -> None:
        """Count a packet whose times are late by ``shift_s``; decode it if no good frame was seen yet."""
        tick = packet.dts if packet.pts is None else packet.pts
        if packet.size and not packet.is_discard:
            self.packets += 1
            if tick is not None:
                shown_s = tick * self._tick_s - self._start_s - shift_s
                self._first_s = min(self._first_s, shown_s)
                self._last_s = max(self._last_s, shown_s)
                self._end_s = max(self._end_s, shown_s + _duration_ticks(packet) * self._tick_s)
        if self.frame is None:
            self._decode(packet)

    def _decode(self, packet: Packet[Any]) -> None:
        try:
            frames = packet.decode()
        except MemoryError:
            raise
        except av.FFmpegError:
            # A damaged packet, or one that follows a picture which is not there: a later one may do.
            return
        for frame in frames:
            if isinstance(frame, VideoFrame | AudioFrame) and not frame.is_corrupt:
                self.frame = frame
                return

    @property
    def end_s(self) -> float:
        """When the last packet ends, in seconds from the start of the media; at least one frame later."""
        frame_s = 1 / (self.rate or _FALLBACK_FPS)
        # Some containers do not say how long a packet lasts.
        unsaid_s = frame_s if self._end_s == self._last_s else 0.0
        return max(self._end_s + unsaid_s, frame_s)

    @property
    def rate(self) -> float | None:
        """Packets a second, which for video are frames; None if fewer than two tell."""
        span_s = self._last_s - self._first_s
        return (self.packets - 1) / span_s if self.packets > 1 and span_s > 0 else None


def _duration_ticks(packet: Packet[Any]) -> int:
    """Return a packet's duration; one that is cut short by the end of an Ogg runs over 32 bits."""
    ticks = packet.duration or 0
    return ticks - 2**32 if 2**31 <= ticks < 2**32 else ticks


class Clock:
    """How far the times of packets have jumped: where recordings were joined, or a counter ran over.

    FFmpeg takes such jumps out when it decodes, so they are no part of the duration.
    """

    def __init__(self, demuxer: str) -> None:
        """Begin a file; most containers cannot jump, and there a gap is a gap."""
        self._may_jump = demuxer in _JUMPING_DEMUXERS
        self._previous_s: float | None = None
        self._shift_s = 0.0

    def shift_s(self, packet: Packet[Any]) -> float:
        """Return by how much the times of this packet are late."""
        if self._may_jump and packet.dts is not None:
            now_s = float(packet.dts * packet.time_base)
            if self._previous_s is not None and abs(now_s - self._previous_s) > _JUMP_S:
                self._shift_s += now_s - self._previous_s
            self._previous_s = now_s
        return self._shift_s


def find_tracks(container: InputContainer, demuxer: str, max_pixels: int) -> list[Track]:
    """Return the tracks to measure: the largest video, if any, and the first sound, if any.

    A cover picture is no video.

    Raises:
        AvemotionError: `MEDIA_TOO_LARGE` if the video's pictures are; nothing of it was decoded for that.
    """
    start_s = (container.start_time or 0) / av.time_base
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    chosen: list[VideoStream | AudioStream] = []
    if videos:
        video = max(videos, key=lambda stream: stream.width * stream.height)
        _check_size(video, demuxer, max_pixels)
        # Holds where a picture turns out larger than its header says. Decoders count whole blocks: twice.
        video.codec_context.options = {"max_pixels": str(2 * max_pixels)}
        chosen.append(video)
    chosen += container.streams.audio[:1]
    for stream in chosen:
        stream.codec_context.thread_count = 1
    return [Track(stream, start_s) for stream in chosen]


def _check_size(stream: VideoStream, demuxer: str, max_pixels: int) -> None:
    width, height = stream.width, stream.height
    if width * height > max_pixels:
        raise AvemotionError(
            ErrorCode.MEDIA_TOO_LARGE,
            f"Pictures of {width}x{height} are larger than the {max_pixels:,} pixels allowed.",
        )
    if width * height == 0 and demuxer in _SIZED_DEMUXERS:
        raise AvemotionError(
            ErrorCode.MEDIA_TOO_LARGE, "The header states a picture size beyond what any decoder takes."
        )


@dataclass(frozen=True)
class Pose:
    """How stored pictures are to be shown.

    Attributes:
        width: In square pixels, when upright.
        height: When upright.
        rotation: Degrees, in quarters, to turn counter-clockwise: 0, 90, 180 or 270.
        mirrored: Whether to swap left and right before turning.
    """

    width: int
    height: int
    rotation: int
    mirrored: bool


def pose_of(frame: VideoFrame, stream: VideoStream) -> Pose:
    """Return how a frame is to be shown, by its pixels' shape and its display matrix."""
    shape = float(stream.sample_aspect_ratio or 1)
    stretch = shape if _NARROWEST_PIXEL <= shape <= _WIDEST_PIXEL else 1.0
    width, height = max(1, round(frame.width * stretch)), frame.height
    mirrored = _is_mirrored(frame)
    # FFmpeg states the turn of a mirrored picture as if it were turned and then mirrored upside down.
    rotation = (round(frame.rotation / _QUARTER) * _QUARTER + 2 * _QUARTER * mirrored) % 360
    if rotation % (2 * _QUARTER):
        width, height = height, width
    return Pose(width, height, rotation, mirrored)


def _is_mirrored(frame: VideoFrame) -> bool:
    matrix = cast("SideData | None", frame.side_data.get("DISPLAYMATRIX"))
    if matrix is None or matrix.buffer_size < _MATRIX.size:
        return False
    a, b, _, c, d, *_ = _MATRIX.unpack_from(bytes(matrix))
    return bool(a * d - b * c < 0)

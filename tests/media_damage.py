"""Media behind ``tests.media_factory`` that are cut off, damaged, or lie."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.media_encoding import video

TEN_HOURS_S = 36_000
GIANT_SIDE = 100_000


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
    """Write an MP4 with a whole index of which no picture can be decoded: its samples are noise."""
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
        stream = container.add_stream(
            "libvpx-vp9", rate=25, options={"deadline": "realtime", "cpu-used": "8"}
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

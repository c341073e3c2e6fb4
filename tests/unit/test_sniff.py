from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sniff import HEAD_BYTES, MediaType, sniff
from tests import media_factory as media

EBML = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08"
ID3 = b"ID3\x04\0\0"
ADTS = bytes.fromhex("fff150800b9ffc")
MP3 = bytes.fromhex("fffb9064")


def head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


@pytest.mark.parametrize(
    ("name", "write", "expected"),
    [
        ("clip.mp4", media.video, MediaType("video", "video/mp4", "mov")),
        ("clip.mov", media.video, MediaType("video", "video/quicktime", "mov")),
        ("clip.mkv", media.video, MediaType("video", "video/x-matroska", "matroska")),
        ("clip.webm", media.video, MediaType("video", "video/webm", "matroska")),
        ("clip.avi", media.video, MediaType("video", "video/x-msvideo", "avi")),
        ("clip.flv", media.video, MediaType("video", "video/x-flv", "flv")),
        ("clip.mpg", media.video, MediaType("video", "video/mpeg", "mpeg")),
        ("clip.m1v", media.video, MediaType("video", "video/mpeg", "mpegvideo")),
        ("clip.ts", media.video, MediaType("video", "video/mp2t", "mpegts")),
        ("clip.wmv", media.video, MediaType("video", "video/x-ms-asf", "asf")),
        ("song.wav", media.audio, MediaType("audio", "audio/wav", "wav")),
        ("song.flac", media.audio, MediaType("audio", "audio/flac", "flac")),
        ("song.ogg", media.audio, MediaType("audio", "audio/ogg", "ogg")),
        ("song.mp3", media.audio, MediaType("audio", "audio/mpeg", "mp3")),
        ("cover.mp3", media.song_with_cover, MediaType("audio", "audio/mpeg", "mp3")),
        ("song.aiff", media.audio, MediaType("audio", "audio/aiff", "aiff")),
        ("cover.m4a", media.song_with_cover, MediaType("audio", "audio/mp4", "mov")),
    ],
)
def test_real_files(tmp_path: Path, name: str, write: Callable[[Path], Path], expected: MediaType) -> None:
    """Sniff names kind, media type and demuxer of a file that a real muxer wrote."""
    assert sniff(head_of(write(tmp_path / name))) == expected


@pytest.mark.parametrize(("codec", "name"), [("aac", "song.aac"), ("libopencore_amrnb", "song.amr")])
def test_real_bare_sound(tmp_path: Path, codec: str, name: str) -> None:
    """Sniff knows sound without a container by its frames or its magic."""
    path = media.encoded_audio(tmp_path / name, codec, rate=8000)
    assert sniff(head_of(path)) == MediaType("audio", f"audio/{path.suffix[1:]}", path.suffix[1:])


@pytest.mark.parametrize(
    ("head", "demuxer"),
    [
        pytest.param(b"\0\0\0\x08wide\0\0\x10\0mdat", "mov", id="QuickTime before ftyp: wide"),
        pytest.param(b"\0\x01\0\0moov\0\0\0\x6cmvhd", "mov", id="QuickTime before ftyp: moov"),
        pytest.param(b"\0\0\0\x01mdat\0\0\0\x01\0\0\0\0", "mov", id="QuickTime: long mdat"),
        pytest.param(b"RF64\xff\xff\xff\xffWAVEds64", "wav", id="WAV above 4 GiB"),
        pytest.param(b"OggS\0\x02" + bytes(22) + b"\x80theora\x03\x02", "ogg", id="Theora"),
        pytest.param((b"\0\0\0\0\x47" + bytes(187)) * 5, "mpegts", id="M2TS"),
        pytest.param(EBML + b"\x42\x82\x84webm", "matroska", id="WebM with a long header"),
        pytest.param(ID3 + b"\0\0\0\x02xy" + ADTS * 4, "aac", id="ADTS behind a tag"),
        pytest.param(ID3 + b"\0\0\0\0fLaC", "flac", id="FLAC behind a tag"),
        pytest.param(ID3 + b"\0\0\x7f\x7f" + bytes(HEAD_BYTES), "mp3", id="a tag longer than the head"),
        pytest.param(MP3 + bytes(413) + MP3 + bytes(413), "mp3", id="two frames of MP3"),
    ],
)
def test_signatures(head: bytes, demuxer: str) -> None:
    """Sniff knows the rarer openings of the formats it lets in."""
    found = sniff(head)
    assert found is not None
    assert found.demuxer == demuxer


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"#EXTM3U\n#EXT-X-TARGETDURATION:1\nfile:///etc/passwd", id="HLS playlist"),
        pytest.param(b"ffconcat version 1.0\nfile '/etc/passwd'", id="concat script"),
        pytest.param(b"v=0\r\no=- 0 0 IN IP4 10.0.0.1\r\ns=x\r\n", id="SDP"),
        pytest.param(b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">', id="DASH"),
        pytest.param(b"GIF89a" + bytes(64), id="GIF"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(64), id="PNG"),
        pytest.param(b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(64), id="JPEG"),
        pytest.param(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", id="HEIC photo"),
        pytest.param(b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", id="AVIF photo"),
        pytest.param(EBML + b"\x42\x82\x88aaaaaaaa", id="EBML that is no Matroska"),
        pytest.param(b"RIFF\0\0\0\0WEBPVP8 ", id="WebP"),
        pytest.param(b"OggS\0\x02" + bytes(64), id="Ogg of an unknown codec"),
        pytest.param(b"Set free, at last, said the text.", id="text with a box's name in place"),
        pytest.param(b"\x47" + bytes(187) + b"\x47" + bytes(600), id="two sync bytes by chance"),
        pytest.param(MP3 + bytes(2000), id="one frame header by chance"),
        pytest.param(b"\x7fELF\x02\x01\x01" + bytes(64), id="program"),
        pytest.param(b"PK\x03\x04" + bytes(64), id="archive"),
    ],
)
def test_refused(head: bytes) -> None:
    """Sniff lets nothing in that is not on its list: no playlist, script, picture or text."""
    assert sniff(head) is None


def test_text_named_mp4(tmp_path: Path) -> None:
    """Sniff looks at bytes and not at names."""
    assert sniff(head_of(media.text(tmp_path / "clip.mp4"))) is None


@given(
    st.binary(max_size=64), st.sampled_from([b"", b"ID3", b"\xff\xfb", b"\xff\xf1", b"\0\0\0\x10ftyp", EBML])
)
def test_any_bytes(tail: bytes, start: bytes) -> None:
    """Sniff answers for any bytes, cut anywhere, and never with a demuxer that reads references."""
    found = sniff(start + tail)
    assert found is None or found.demuxer not in ("hls", "concat", "sdp", "dash", "image2")

"""What a file is, by its first bytes: the gate that every upload passes.

The answer names the one FFmpeg demuxer that may open the file. FFmpeg is always told that name and
never left to guess, so that formats which point elsewhere (playlists, ``concat`` scripts, SDP, DASH)
are out of reach whatever the bytes say. Names and declared types are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

HEAD_BYTES = 4096
"""How much of a file's start ``sniff`` wants; shorter is fine for a shorter file."""


@dataclass(frozen=True)
class MediaType:
    """A kind of file that can be read here.

    Attributes:
        kind: ``audio`` if the container never holds a moving picture; a ``video`` may turn out to hold
            sound alone (MP4, WebM and ASF do not say which at their start).
        mime: Media type, as IANA lists it or as is usual.
        demuxer: Name of FFmpeg's demuxer.
    """

    kind: Literal["video", "audio"]
    mime: str
    demuxer: str


_MP4 = MediaType("video", "video/mp4", "mov")
_QUICKTIME = MediaType("video", "video/quicktime", "mov")
_3GPP = MediaType("video", "video/3gpp", "mov")
_M4A = MediaType("audio", "audio/mp4", "mov")
_WEBM = MediaType("video", "video/webm", "matroska")
_MATROSKA = MediaType("video", "video/x-matroska", "matroska")
_AVI = MediaType("video", "video/x-msvideo", "avi")
_FLV = MediaType("video", "video/x-flv", "flv")
_MPEG_PS = MediaType("video", "video/mpeg", "mpeg")
_MPEG_VIDEO = MediaType("video", "video/mpeg", "mpegvideo")
_MPEG_TS = MediaType("video", "video/mp2t", "mpegts")
_OGG_VIDEO = MediaType("video", "video/ogg", "ogg")
_OGG_AUDIO = MediaType("audio", "audio/ogg", "ogg")
_ASF = MediaType("video", "video/x-ms-asf", "asf")
_WAV = MediaType("audio", "audio/wav", "wav")
_FLAC = MediaType("audio", "audio/flac", "flac")
_MP3 = MediaType("audio", "audio/mpeg", "mp3")
_AAC = MediaType("audio", "audio/aac", "aac")
_AIFF = MediaType("audio", "audio/aiff", "aiff")
_AMR = MediaType("audio", "audio/amr", "amr")

# Brands of ISO base media that are still pictures (HEIF, AVIF, Canon raw, JPEG XL, JPEG 2000).
_PICTURE_BRANDS = frozenset(b"heic heix heim heis hevc hevx mif1 msf1 avif avis crx jxl jp2 jpx jpm".split())
_SOUND_BRANDS = (b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B ")
# Boxes that a QuickTime file from before `ftyp` may begin with; a size of 1 says "see the long size".
_BOX_HEADER_BYTES = 8
_LONG_BOX_SIZES = (0, 1)
# Words of a text ("Set free ...") read as a size are larger: no printable character is below 9.
_TEXT_AS_SIZE = int.from_bytes(b"\x09\0\0\0")
_QUICKTIME_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")

_PREFIXES: tuple[tuple[bytes, MediaType], ...] = (
    (b"FLV\x01", _FLV),
    (b"\x00\x00\x01\xba", _MPEG_PS),
    (b"\x00\x00\x01\xb3", _MPEG_VIDEO),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), _ASF),
    (b"fLaC", _FLAC),
    (b"#!AMR\n", _AMR),
    (b"#!AMR-WB\n", _AMR),
)
# Chunk containers: their first four bytes, the type that follows the length, what they are.
_CHUNKED: tuple[tuple[bytes, bytes, MediaType], ...] = (
    (b"RIFF", b"AVI ", _AVI),
    (b"RIFF", b"WAVE", _WAV),
    (b"RF64", b"WAVE", _WAV),
    (b"FORM", b"AIFF", _AIFF),
    (b"FORM", b"AIFC", _AIFF),
)

_EBML_DOCTYPE = re.compile(rb"\x42\x82[\x84\x88](webm|matroska)", re.DOTALL)
_OGG_VIDEO_MAGIC = (b"\x80theora", b"\x01video\x00\x00\x00")
_OGG_AUDIO_MAGIC = (b"OpusHead", b"\x01vorbis", b"\x7fFLAC", b"Speex   ")

_ID3_HEADER_BYTES = 10
_ID3_SIZE_SHIFTS = (21, 14, 7, 0)  # Seven bits a byte.

# Packet length of a transport stream, and where its first sync byte is: plain, and with time stamps.
_TS_LAYOUTS = ((188, 0), (192, 4))
_TS_PACKETS = 4

# ADTS frame header, ISO/IEC 13818-7.
_ADTS_HEADER_BYTES = 7
_ADTS_SYNC = 0xFFF
_ADTS_RATES = 13

# MPEG audio frame header, ISO/IEC 11172-3 and 13818-3: kbit/s by layer and index from 1, Hz by version.
_MPEG_HEADER_BYTES = 4
_MPEG_SYNC = 0x7FF
_MPEG1 = 3
_LAYER_3 = 3
_MPEG1_KBITS = {
    1: (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
_MPEG2_KBITS = {
    1: (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    3: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def sniff(head: bytes) -> MediaType | None:
    """Return what the file that starts with ``head`` is; None if nothing that can be read here.

    Args:
        head: The first ``HEAD_BYTES`` bytes, or all of a shorter file.
    """
    for prefix, media_type in _PREFIXES:
        if head.startswith(prefix):
            return media_type
    for outer, inner, media_type in _CHUNKED:
        if head.startswith(outer) and head[8:12] == inner:
            return media_type
    for look in (_iso_base_media, _ebml, _ogg, _transport_stream, _tagged, _sound_frames):
        if found := look(head):
            return found
    return None


def _iso_base_media(head: bytes) -> MediaType | None:
    """Recognise MP4 and its family by its file type box, and QuickTime from before there was one."""
    size, name, brand = int.from_bytes(head[:4]), head[4:8], head[8:12]
    if name == b"ftyp":
        if brand.rstrip() in _PICTURE_BRANDS:
            return None
        if brand in _SOUND_BRANDS:
            return _M4A
        if brand == b"qt  ":
            return _QUICKTIME
        return _3GPP if brand.startswith((b"3gp", b"3g2")) else _MP4
    if name not in _QUICKTIME_BOXES:
        return None
    # Only samples are so long that their size may look like words.
    plausible = name == b"mdat" or size in _LONG_BOX_SIZES or _BOX_HEADER_BYTES <= size < _TEXT_AS_SIZE
    return _QUICKTIME if plausible else None


def _ebml(head: bytes) -> MediaType | None:
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    doctype = _EBML_DOCTYPE.search(head, 4, 128)
    if doctype is None:
        return None
    return _WEBM if doctype[1] == b"webm" else _MATROSKA


def _ogg(head: bytes) -> MediaType | None:
    """Recognise Ogg by the codecs that its first pages introduce; all of them come before any data."""
    if not head.startswith(b"OggS\0"):
        return None
    if any(magic in head for magic in _OGG_VIDEO_MAGIC):
        return _OGG_VIDEO
    return _OGG_AUDIO if any(magic in head for magic in _OGG_AUDIO_MAGIC) else None


def _transport_stream(head: bytes) -> MediaType | None:
    for length, first in _TS_LAYOUTS:
        syncs = head[first : first + length * _TS_PACKETS : length]
        if syncs == b"\x47" * _TS_PACKETS:
            return _MPEG_TS
    return None


def _tagged(head: bytes) -> MediaType | None:
    """Recognise sound behind an ID3v2 tag, which MP3, AAC and FLAC may carry."""
    digits = head[6:_ID3_HEADER_BYTES]
    if not head.startswith(b"ID3") or len(head) < _ID3_HEADER_BYTES or max(digits) > 0x7F:  # noqa: PLR2004 - seven bits
        return None
    size = sum(digit << shift for digit, shift in zip(digits, _ID3_SIZE_SHIFTS, strict=True))
    rest = head[_ID3_HEADER_BYTES + size :]
    if rest.startswith(b"fLaC"):
        return _FLAC
    # A tag with a cover picture reaches beyond the head: then it is what such tags are made for.
    return _sound_frames(rest) or (_MP3 if len(head) >= HEAD_BYTES or not rest else None)


def _sound_frames(head: bytes) -> MediaType | None:
    """Recognise bare MPEG audio and ADTS: a frame's header, and where it says, the next one."""
    lengths: tuple[tuple[MediaType, Callable[[bytes], int | None]], ...] = (
        (_AAC, _adts_frame_bytes),
        (_MP3, _mpeg_audio_frame_bytes),
    )
    for media_type, length_of in lengths:
        length = length_of(head)
        if length is None:
            continue
        following = head[length : length + _ADTS_HEADER_BYTES]
        # Nothing follows in a file of one frame, or where the head ends first.
        if len(following) < _ADTS_HEADER_BYTES or length_of(following) is not None:
            return media_type
    return None


def _adts_frame_bytes(header: bytes) -> int | None:
    """Return the length of the ADTS frame that begins here; None if none does."""
    bits = int.from_bytes(header[:_ADTS_HEADER_BYTES].ljust(_ADTS_HEADER_BYTES, b"\0"))
    sync, layer, rate_index = bits >> 44, bits >> 41 & 3, bits >> 34 & 0xF
    length = bits >> 13 & 0x1FFF
    valid = sync == _ADTS_SYNC and layer == 0 and rate_index < _ADTS_RATES and length > _ADTS_HEADER_BYTES
    return length if valid else None


def _mpeg_audio_frame_bytes(header: bytes) -> int | None:
    """Return the length of the MPEG audio frame (layer I to III) that begins here; None if none does."""
    bits = int.from_bytes(header[:_MPEG_HEADER_BYTES].ljust(_MPEG_HEADER_BYTES, b"\0"))
    sync, version, layer = bits >> 21, bits >> 19 & 3, 4 - (bits >> 17 & 3)
    kbits_index, rate_index, padding = bits >> 12 & 0xF, bits >> 10 & 3, bits >> 9 & 1
    layers = _MPEG1_KBITS if version == _MPEG1 else _MPEG2_KBITS
    known = version in _RATES_HZ and layer in layers and rate_index < len(_RATES_HZ[version])
    if sync != _MPEG_SYNC or not known or not 1 <= kbits_index <= len(layers[layer]):
        return None
    kbits, rate_hz = layers[layer][kbits_index - 1], _RATES_HZ[version][rate_index]
    if layer == 1:
        return (12_000 * kbits // rate_hz + padding) * 4
    half_frame = layer == _LAYER_3 and version != _MPEG1
    return (72_000 if half_frame else 144_000) * kbits // rate_hz + padding

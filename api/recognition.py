"""What was sent, and what to say when it is not wanted."""

from __future__ import annotations

from shared.errors import AvemotionError, ErrorCode
from shared.sniff import MediaType, sniff
from shared.tables import UploadKind

ACCEPTED = {
    UploadKind.VIDEO: "MP4, QuickTime, WebM, Matroska, AVI, MPEG, FLV, ASF or Ogg video",
    UploadKind.AUDIO: "WAV, MP3, FLAC, AAC, M4A, Ogg, AIFF, AMR or any video container",
}
LOOKS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "something compressed by gzip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"#EXTM3U", "a playlist"),
)
# Of these a text is made; a byte that is cut off its character at the end of the head does not count.
TEXT_CONTROLS = frozenset("\t\n\r\f\x1b")


def recognise(head: bytes, kind: UploadKind) -> MediaType:
    """Return what the upload that starts with ``head`` is.

    Raises:
        AvemotionError: It is empty, or nothing that ``kind`` takes; the sentence says what it seems to be.
    """
    if not head:
        raise AvemotionError(
            ErrorCode.EMPTY_UPLOAD, "The upload holds no bytes; send the file as the body or as field `file`."
        )
    media_type = sniff(head)
    if media_type is None:
        raise AvemotionError(
            ErrorCode.UNSUPPORTED_MEDIA,
            f"The upload looks like {look(head)}; /upload/{kind.value} takes {ACCEPTED[kind]}.",
        )
    if kind is UploadKind.VIDEO and media_type.kind == "audio":
        raise AvemotionError(
            ErrorCode.UNSUPPORTED_MEDIA,
            f"The upload is sound alone ({media_type.mime}): send it to /upload/audio.",
        )
    return media_type


def look(head: bytes) -> str:
    """Return in words what bytes that are no known media seem to be."""
    for start, words in LOOKS:
        if head.startswith(start):
            return words
    text = head.decode("utf-8", "ignore")
    # Few bytes may be lost to a character cut in half; more are no text.
    whole = len(text.encode()) > len(head) - 4
    if whole and all(letter.isprintable() or letter in TEXT_CONTROLS for letter in text):
        return "text"
    return "no format known here"

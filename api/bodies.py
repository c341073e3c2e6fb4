"""Bodies of uploads as streams of pieces: raw, or one field of a form. Nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from api.requests import Request, patience
from shared.errors import AvemotionError, ErrorCode
from shared.sniff import HEAD_BYTES

PIECE_BYTES = 1024 * 1024
FIELD = "file"
# Room in a form for its boundaries, headers and small fields, besides the file itself.
FORM_ROOM_BYTES = 1024 * 1024
MOST_PARTS = 16


class Body:
    """The bytes of a request as they come in; it notices when they stop before their end."""

    def __init__(self, request: Request) -> None:
        """Begin at the start of the body of ``request``."""
        self._environ = request.environ
        # Little at first: whoever sends slowly is told soon if it is of no use.
        self._most = HEAD_BYTES
        self._stream: IO[bytes] = request.environ["wsgi.input"]
        # Without a length the server must know where the body ends, as it does for chunks.
        chunked = "wsgi.input_terminated" in request.environ
        self._left = request.content_length if request.content_length is not None or chunked else 0

    def read(self) -> bytes:
        """Return the next bytes; none at the end of the body.

        Raises:
            AvemotionError: The client went away, or has sent nothing for too long.
        """
        size = self._most if self._left is None else min(self._most, self._left)
        self._most = PIECE_BYTES
        if not size:
            return b""
        try:
            with patience(self._environ):
                piece = self._stream.read(size)
        except Exception as error:
            # Each server has errors of its own for bodies that break off.
            # Each server has errors of its own for bodies that break off.
            raise incomplete() from error
        if self._left is not None:
            if not piece:
                raise incomplete()
            self._left -= len(piece)
        return piece


def incomplete() -> AvemotionError:
    """Return the error for a body that stops before its end."""
    return AvemotionError(
        ErrorCode.UPLOAD_INCOMPLETE, "The upload stopped before its end; nothing was kept. Send it again."
    )


def media_pieces(body: Body, content_type: str, boundary: str | None) -> Iterator[bytes]:
    """Yield the uploaded media piece by piece.

    Args:
        body: The request's body.
        content_type: Its media type; a form is taken apart, anything else is the media itself.
        boundary: What separates the parts of a form.

    Raises:
        AvemotionError: The body breaks off, or is no form although it says so.
    """
    if content_type == "multipart/form-data":
        if not boundary:
            raise malformed("The form's Content-Type names no boundary.")
        return _form_pieces(body, boundary.encode("latin-1", "replace"))
    return _raw_pieces(body)


def malformed(message: str) -> AvemotionError:
    """Return the error for a form that cannot be taken apart."""
    return AvemotionError(ErrorCode.MALFORMED_REQUEST, message)


def _raw_pieces(body: Body) -> Iterator[bytes]:
    while piece := body.read():
        yield piece


def _form_pieces(body: Body, boundary: bytes) -> Iterator[bytes]:
    """Yield the form's field ``file``. Other fields and every name and type in it are ignored."""
    decoder = MultipartDecoder(boundary, PIECE_BYTES + FORM_ROOM_BYTES, max_parts=MOST_PARTS)
    found = inside = False
    ended = False
    try:
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, NeedData):
                piece = body.read()
                ended = not piece
                decoder.receive_data(piece or None)
            elif isinstance(event, (Field, File)):
                inside = event.name == FIELD
                if inside and found:
                    raise malformed(f"The form has more than one field {FIELD}.")
                found = found or inside
            elif isinstance(event, Data) and inside and event.data:
                yield event.data
    except RequestEntityTooLarge:
        raise malformed("The form has too many parts, or parts with too long headers.") from None
    except ValueError:
        # The decoder tells a form that breaks off from one that makes no sense by nothing but this.
        raise incomplete() if ended else malformed("The form could not be read.") from None
    if not found:
        raise malformed(f"The form has no field {FIELD}.")

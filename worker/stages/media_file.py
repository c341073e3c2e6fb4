"""The file of an upload, as a stage reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from shared.errors import AvemotionError, ErrorCode
from shared.tables import Upload
from worker.toolkit import Toolkit


@contextmanager
def media_file(upload: Upload, kit: Toolkit) -> Iterator[Path]:
    """Give the file of an upload for the block's time.

    Raises:
        AvemotionError: ``MEDIA_MISSING``: it is gone, and trying again would not bring it back.
        OSError: The storage is away.
    """
    with ExitStack() as stack:
        try:
            path = stack.enter_context(kit.storage.local(upload.storage_key))
        except FileNotFoundError:
            raise AvemotionError(ErrorCode.MEDIA_MISSING, "The file of this upload is gone.") from None
        yield path

"""What an upload looks like to a client."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from shared.tables import UploadKind


class UploadDocument(BaseModel):
    """A stored media file."""

    id: UUID
    kind: UploadKind
    media_type: str = Field(description="Found in the bytes, not taken from the request.")
    size_bytes: int
    sha256: str
    created_at: datetime
    expires_at: datetime = Field(description="Moved on each time the same bytes or a job use the upload.")

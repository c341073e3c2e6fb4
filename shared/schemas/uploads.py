"""What an upload looks like to a client."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

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


class DirectRequest(BaseModel):
    """A large file that is to be sent to the object store itself."""

    model_config = ConfigDict(extra="forbid")

    size_bytes: int = Field(ge=1, description="Its exact size.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Hash of the whole file, in lower case.")


class DirectTicket(BaseModel):
    """Where to send a large file, and what to say when it is there."""

    id: UUID
    url: str = Field(description="PUT the file here, with these headers and no key.")
    headers: dict[str, str]
    done: str = Field(description="POST here when the PUT has been answered with 200.")
    expires_s: int = Field(description="Time in which the PUT must begin.")

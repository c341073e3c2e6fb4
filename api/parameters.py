"""What addresses and queries may hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from api.problems import InvalidRequestError
from shared.schemas.codes import listed
from shared.tables import JobStatus, UploadKind

Wait = Annotated[float, Field(ge=0, allow_inf_nan=False)]
# One that is not there, whatever its name, is not found.
ArtifactName = Annotated[
    str, listed("faces.csv", "timeline.csv", "result.json", "mel.png", "mfcc.png", "sequence.png")
]
_WAIT: TypeAdapter[float] = TypeAdapter(Wait)


class JobPath(BaseModel):
    """The address of a job."""

    job_id: UUID = Field(description="The job.")


class BatchPath(BaseModel):
    """The address of a batch."""

    batch_id: UUID = Field(description="The batch.")


class ResultsPath(BatchPath):
    """The address of a batch's results."""

    format: Literal["csv", "jsonl", "parquet"] = Field(description="How the table is written.")


class ArtifactPath(JobPath):
    """The address of an artifact."""

    name: ArtifactName = Field(description="Tables, the result document, or one of the pictures.")


class ModelPath(BaseModel):
    """The address of a model."""

    model_id: str = Field(description="The model.")


class AssetPath(BaseModel):
    """The address of a file of the documentation."""

    name: str


class ContentQuery(BaseModel):
    """Which bytes to look for."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Hash of the whole file, in lower case.")


class DirectPath(BaseModel):
    """What kind of media a large file is."""

    kind: UploadKind = Field(description="What the media are uploaded for.")


class TicketPath(DirectPath):
    """The address of a file that is sent to the object store."""

    ticket_id: UUID = Field(description="The ticket.")


class ArtifactQuery(BaseModel):
    """Which part of an artifact."""

    segment: int = Field(0, ge=0, description="Segment shown by `mel.png`, `mfcc.png`, `sequence.png`.")


class JobQuery(BaseModel):
    """Which jobs to list."""

    status: JobStatus | None = Field(None, description="Only jobs in this state.")
    batch: UUID | None = Field(None, description="Only jobs of this batch.")
    limit: int = Field(50, ge=1, le=200, description="Most jobs of one page.")
    cursor: str | None = Field(None, max_length=64, description="`next_cursor` of the page before.")


class AllQuery(BaseModel):
    """That really everything is meant: an address whose job id was forgotten must not erase all jobs."""

    all: Literal["true"] = Field(description="Say `true`: everything is meant.")


class BatchQuery(BaseModel):
    """Which batches to list."""

    limit: int = Field(20, ge=1, le=100, description="Most batches of one page.")
    cursor: str | None = Field(None, max_length=64, description="`next_cursor` of the page before.")


class ResultsQuery(BaseModel):
    """Which rows of the results."""

    all: bool = Field(default=False, description="Jobs that have not ended yet get a row too.")


def parameter(where: str, name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    """Return an OpenAPI parameter that a view reads by itself."""
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "schema": schema,
        "description": description,
    }


def read_wait(text: str) -> float:
    """Return the seconds that a query or header asks to wait.

    Raises:
        InvalidRequestError: It is no such number.
    """
    try:
        return _WAIT.validate_python(text)
    except ValidationError:
        raise InvalidRequestError([("wait", f"{text[:20]!r} is not a number of seconds")]) from None

"""What addresses and queries may hold."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from api.problems import InvalidRequestError
from shared.tables import JobStatus

Wait = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_WAIT: TypeAdapter[float] = TypeAdapter(Wait)


class JobPath(BaseModel):
    """The address of a job."""

    job_id: UUID


class ArtifactPath(JobPath):
    """The address of an artifact."""

    name: str = Field(description="`faces.csv`, `timeline.csv`, `result.json`, or one of the pictures.")


class ModelPath(BaseModel):
    """The address of a model."""

    model_id: str


class AssetPath(BaseModel):
    """The address of a file of the documentation."""

    name: str


class ArtifactQuery(BaseModel):
    """Which part of an artifact."""

    segment: int = Field(0, ge=0, description="Segment shown by `mel.png`, `mfcc.png`, `sequence.png`.")


class JobQuery(BaseModel):
    """Which jobs to list."""

    status: JobStatus | None = Field(None, description="Only jobs in this state.")
    batch: UUID | None = Field(None, description="Only jobs of this batch.")
    limit: int = Field(50, ge=1, le=200, description="Most jobs of one page.")
    cursor: str | None = Field(None, max_length=64, description="`next_cursor` of the page before.")


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

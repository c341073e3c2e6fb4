"""What clients are told of a job's artifacts."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Artifact(BaseModel):
    """A file of a job that can be fetched."""

    name: str
    href: str = Field(description="Where it is.")
    segment: int | None = Field(description="Segment that a picture shows; null where it is the whole job.")
    start_s: float | None = Field(
        description="Time of the media at a picture's left edge (of `sequence.png`: at its first window)."
    )
    end_s: float | None = Field(description="The same, at its right edge (or its last window's end).")


class ArtifactList(BaseModel):
    """A job's artifacts as far as they are there."""

    artifacts: list[Artifact]

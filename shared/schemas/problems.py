"""Errors as RFC 9457 problem details."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from shared.schemas.codes import Code


class FieldProblem(BaseModel):
    """What is wrong with one value of a request."""

    field: str = Field(description="Where it stands, such as `window_s`.")
    message: str


class Problem(BaseModel):
    """An ``application/problem+json`` body."""

    # The API always sends it; what stands in between may not.
    model_config = ConfigDict(
        json_schema_extra={"required": ["type", "title", "status", "detail", "code", "errors"]}
    )

    type: str = Field(description="Address of the code's explanation.")
    title: str
    status: int
    detail: str
    code: Code = Field(description="Stable code, the same that a failed job carries.")
    instance: str | None = Field(None, description="Names this very failure in the log, where there is more.")
    errors: list[FieldProblem] = Field(
        default_factory=list, description="What is wrong with which values; empty for other errors."
    )

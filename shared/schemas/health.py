"""What operators and orchestrators are told."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Check(BaseModel):
    """One thing that the API depends on."""

    ok: bool
    error: str | None = Field(description="Kind of the error; the log says more.")
    seconds: float


class Analyzer(BaseModel):
    """Something that sees faces, as workers announce it."""

    name: str
    ok: bool = Field(description="Whether a worker that is up can use it.")
    problems: list[str] = Field(description="What is wrong with it.")


class Readiness(BaseModel):
    """Whether requests can be served."""

    status: Literal["ready", "degraded", "unavailable"] = Field(
        description="`degraded`: the broker is away; jobs are taken and begin when it is back."
    )
    checks: dict[str, Check] = Field(description="`database`, `broker` and `storage`.")
    analyzers: list[Analyzer] = Field(description="What the workers that are up can see faces with.")

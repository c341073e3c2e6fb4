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


class Readiness(BaseModel):
    """Whether requests can be served."""

    status: Literal["ready", "degraded", "unavailable"] = Field(
        description="`degraded`: the broker is away; jobs are taken and begin when it is back."
    )
    checks: dict[str, Check] = Field(description="`database`, `broker` and `storage`.")

"""Rules that a request watches levels with, and what they found."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

AFFECT: tuple[Literal["valence", "arousal"], ...] = ("valence", "arousal")

# A number: pydantic would take true and "1" for one.
Number = Annotated[float, Field(strict=True)]
Level = Annotated[Number, Field(ge=-1, le=1)]
Rules = Annotated[list["Rule"], Field(max_length=16)]


class Rule(BaseModel):
    """A level that is watched: the probability of an emotion, or valence, or arousal."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [
                {"required": [name], "properties": {name: {"type": "number"}}} for name in ("over", "under")
            ]
        },
    )

    when: str = Field(
        min_length=1,
        max_length=64,
        description="An emotion of the model, `valence` or `arousal`.",
        examples=["anger"],
    )
    over: Level | None = Field(None, description="It holds while the level is above this.", examples=[0.6])
    under: Level | None = Field(None, description="It holds while the level is below this.")
    for_s: Number = Field(0.0, ge=0, le=86_400, description="How long it has to hold at least.", examples=[4])

    @model_validator(mode="after")
    def _has_one_bound(self) -> Rule:
        if (self.over is None) == (self.under is None):
            raise ValueError("give either over or under")
        return self


class Alert(BaseModel):
    """A span of the clip in which a rule held, over windows that follow each other."""

    rule: int = Field(description="The rule's place in the request, from 0.")
    when: str = Field(description="What the rule watches.")
    start_s: float
    end_s: float
    peak: float = Field(description="The level that was farthest beyond the rule's bound.")

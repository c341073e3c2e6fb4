"""Webhooks: where they go, and what is told of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.tables import WebhookOutcome

WebhookUrl = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2048,
        json_schema_extra={"format": "uri"},
        examples=["https://example.org/hooks/avemotion"],
    ),
]


class WebhookInfo(BaseModel):
    """What became of the webhook of a job or batch."""

    id: UUID | None = Field(description="The header `webhook-id` of every try; null before the end.")
    receiver: str = Field(description="Host and port; the rest of the address may hold a secret.")
    state: Literal["waiting", "pending", "delivered", "failed"] = Field(
        description="`waiting` for the end, `pending` delivery, `delivered`, or `failed`: given up."
    )
    attempts: int = Field(ge=0)
    next_try_at: datetime | None = Field(description="While it is pending.")
    last_try_at: datetime | None
    last_outcome: WebhookOutcome | None = Field(description="What became of the last try.")
    last_status: int | None = Field(description="HTTP status of the receiver's last answer.")

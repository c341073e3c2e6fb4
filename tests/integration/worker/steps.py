"""What a worker does with a stage, one step at a time."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from shared.tables import Segment, StageName
from worker.lease import Claim, finish, make_ready

ALL_STAGES = (StageName.FACES, StageName.SOUND, StageName.FUSION, StageName.INFERENCE)


def end(session: Session, taken: Claim, output: dict[str, Any], seconds: float = 0.1) -> None:
    """Write a segment's stage and make the next one ready."""
    finish(session, taken, output, seconds, {})
    make_ready(
        session,
        session.get_one(Segment, taken.segment_id),
        ALL_STAGES[ALL_STAGES.index(taken.name) + 1],
    )

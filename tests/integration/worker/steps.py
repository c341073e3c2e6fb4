"""What a worker does with a stage, one step at a time."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from shared.tables import StageName
from worker.lease import Claim, Ended, Following, finish

ALL_STAGES = (StageName.FACES, StageName.SOUND, StageName.FUSION, StageName.INFERENCE)


def end(session: Session, taken: Claim, output: dict[str, Any], seconds: float = 0.1) -> None:
    """Write a segment's stage and make the next one ready."""
    following = ALL_STAGES[ALL_STAGES.index(taken.name) + 1]
    assert taken.segment_id is not None
    finish(session, Ended(taken, output, seconds), Following(taken.segment_id, following))

"""What the tables say of a service as a whole: jobs and webhooks."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.orm import Session

LATELY_S = 3600
# In words, not as values: only so are the partial indexes sure to be used.
OPEN_SQL = text(
    "SELECT status, count(*) FROM jobs "
    "WHERE status IN ('queued', 'running') AND deleted_at IS NULL GROUP BY 1"
)
# There is an index of when jobs expire, and none of when they ended: what ended lately expires last. How long
# jobs live is seen from the last one, should the settings here not be the service's.
ENDED_SQL = text(
    """
    WITH newest AS (
        SELECT expires_at - finished_at AS life FROM jobs
        WHERE expires_at IS NOT NULL AND finished_at IS NOT NULL AND deleted_at IS NULL
        ORDER BY expires_at DESC LIMIT 1
    )
    SELECT status, error_code, count(*) FROM jobs
    WHERE deleted_at IS NULL AND finished_at > now() - make_interval(secs => :lately)
      AND expires_at > now() - make_interval(secs => :lately)
        + least(make_interval(secs => :life), (SELECT life FROM newest))
    GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
    """
)
WEBHOOKS_SQL = text(
    "SELECT 'pending', count(*) FROM webhooks WHERE state = 'pending' "
    "UNION ALL SELECT 'failed', count(*) FROM webhooks WHERE state = 'failed'"
)


@dataclass(frozen=True)
class Ended:
    """How many jobs ended lately in one way."""

    status: str
    error_code: str | None
    jobs: int


@dataclass(frozen=True)
class Figures:
    """What the tables say.

    Attributes:
        open: Unfinished jobs by state.
        ended: Jobs that ended in the last hour, the most frequent way first.
        webhooks: Webhooks that were not delivered, by state.
    """

    open: dict[str, int] = field(default_factory=dict)
    ended: tuple[Ended, ...] = ()
    webhooks: dict[str, int] = field(default_factory=dict)


def read_figures(session: Session, job_ttl_s: float) -> Figures:
    """Read what the tables say.

    Args:
        session: A session.
        job_ttl_s: Life of a finished job.
    """
    unfinished = {"queued": 0, "running": 0}
    unfinished |= {row[0]: row[1] for row in session.execute(OPEN_SQL)}
    ended = session.execute(ENDED_SQL, {"lately": LATELY_S, "life": job_ttl_s})
    undelivered = {row[0]: row[1] for row in session.execute(WEBHOOKS_SQL)}
    return Figures(unfinished, tuple(Ended(*row) for row in ended), undelivered)

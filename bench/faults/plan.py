"""What a run is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """What is run.

    Attributes:
        jobs: How many.
        every_s: Time from one fault to the next.
        most_faults: After so many there are no more; None for no end of them.
        seed: Of the faults' draw.
        clients: Jobs that are open at a time.
        limit_s: Time in which each job has to end.
    """

    jobs: int
    every_s: float
    most_faults: int | None
    seed: int
    clients: int
    limit_s: float

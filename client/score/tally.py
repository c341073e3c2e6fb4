"""How far a run is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from client.render.text import printable


@dataclass
class Tally:
    """Counts of a run's clips.

    Attributes:
        total: All of them.
        sent: In the batch.
        counts: Of the batch's jobs, by status.
        errors: Of the batch's failed jobs, by code.
        faults: Clips that could not be sent, by code.
        tell: Called when something has changed.
    """

    total: int
    sent: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    tell: Callable[[Tally], None] = lambda _: None

    def update(self, batch: Mapping[str, Any]) -> None:
        """Take over what the batch's document says."""
        self.counts, self.errors = batch["counts"], batch["errors"]
        self.tell(self)

    def note_sent(self, count: int) -> None:
        """Count clips that are in the batch now."""
        self.sent += count
        self.tell(self)

    def note_fault(self, code: str) -> None:
        """Count a clip that could not be sent."""
        self.faults[code] += 1
        self.tell(self)

    @property
    def ended(self) -> int:
        """Clips that nothing more will come of."""
        states = ("succeeded", "failed", "cancelled")
        return sum(self.counts.get(state, 0) for state in states) + self.faults.total()

    @property
    def succeeded(self) -> int:
        """Clips with a result."""
        return self.counts.get("succeeded", 0)

    @property
    def failures(self) -> str:
        """Failed clips by code, most first, safe to print; empty if none has failed."""
        codes = Counter(self.errors) + self.faults
        listed = ", ".join(f"{printable(code)} {count:,}" for code, count in codes.most_common())
        cancelled = self.counts.get("cancelled", 0)
        parts = [f"{codes.total():,} failed ({listed})"] if codes else []
        return ", ".join([*parts, *([f"{cancelled:,} cancelled"] if cancelled else [])])

"""What is wrong with a data set's files, and goes into the report of ``avemotion dataset check``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ProblemCode = Literal[
    "missing",  # A table names it, and it is not there.
    "broken",  # It is there and cannot be used.
    "misnamed",  # Its name says something else than its folder or its table; it is used.
    "unknown",  # No table and no rule says what it is; it is left out.
    "unlabelled",  # It has no emotion; it is left out unless it has valence and arousal.
    "tie",  # Votes for several emotions are equal; they share.
    "duplicate",  # The same sample a second time; it is left out.
    "conflict",  # Two sources disagree about it; the message says which one counts.
    "no_fold",  # The folds do not name it; it is left out.
    "leak",  # A speaker or a clip stands on both sides of a split.
]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and what was done about it.

    Attributes:
        code: What kind of problem.
        path: The file, inside the data set's folder where it can be; None: the data set as a whole.
        message: One sentence.
    """

    code: ProblemCode
    path: Path | None
    message: str

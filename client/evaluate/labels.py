"""The emotions of a file of results: what the model knows, and what is true of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile

from client.evaluate.cells import number, text
from client.evaluate.results import Results, Row
from shared.rows import PROBABILITY
from training.datasets.emotions import emotion_of
from training.evaluation.faults import invalid
from training.evaluation.scored import NO_TRUTH

TRUE = "true_"
TRUE_EMOTION = "true_emotion"
SEVERAL = ";"
NOT_STATED = "no true emotion"
TIED = "several true emotions alike"
STRANGE = "the model does not know "


@dataclass(frozen=True)
class Truth:
    """The true emotion of a row.

    Attributes:
        index: Of the model's label; -1 where no figure can count the row.
        reason: Why none can; empty if one can.
    """

    index: int
    reason: str = ""


class Labels:
    """Reads true emotions in terms of the model's labels; words and their spelling may differ."""

    def __init__(self, results: Results) -> None:
        """Find the columns.

        Raises:
            AvemotionError: ``INVALID_DATASET``: there are no probabilities, or no true emotions.
        """
        self.known = known_labels(results)
        self._index = {_plain(label): row for row, label in enumerate(self.known)}
        named = [name for name in results.columns if name.startswith(TRUE) and name != TRUE_EMOTION]
        # A manifest's own columns may begin with true_ as well.
        self._shares = {
            name: label
            for name in named
            if emotion_of(label := name.removeprefix(TRUE)) or _plain(label) in self._index
        }
        if not self._shares and TRUE_EMOTION not in results.columns:
            raise invalid(
                f"{results.name} does not say what is true: it has no column {TRUE_EMOTION}. `avemotion score"
                " --dataset NAME` writes it, and so does a manifest with the column emotion."
            )

    def truth(self, row: Row) -> Truth:
        """Return the true emotion of a row: of shares the largest.

        Raises:
            ValueError: A share is no number.
        """
        shares = {label: number(row.get(name)) for name, label in self._shares.items()}
        top = _largest({label: share for label, share in shares.items() if share > 0})
        if not top:
            top = [word.strip() for word in text(row.get(TRUE_EMOTION)).split(SEVERAL) if word.strip()]
        if len(top) != 1:
            return Truth(NO_TRUTH, TIED if top else NOT_STATED)
        index = self._index.get(_plain(top[0]), NO_TRUTH)
        return Truth(index, "" if index != NO_TRUTH else STRANGE + top[0])


def known_labels(results: Results) -> tuple[str, ...]:
    """Return the model's labels: the columns ``p_<label>``, those right behind ``emotion`` if it is there.

    Raises:
        AvemotionError: ``INVALID_DATASET``: there are fewer than two.
    """
    columns: Sequence[str] = results.columns
    if "emotion" in columns:
        # A manifest may bring columns of its own that begin alike; they stand further behind.
        behind = dropwhile(lambda name: name != "emotion", columns)
        next(behind)
        columns = list(takewhile(lambda name: name.startswith(PROBABILITY), behind))
    found = tuple(name.removeprefix(PROBABILITY) for name in columns if name.startswith(PROBABILITY))
    if len(found) < 2:  # noqa: PLR2004 - a choice
        raise invalid(
            f"{results.name} holds no results of avemotion: it has no columns p_<emotion> with probabilities."
            " `avemotion score PATH --out results.csv` writes them."
        )
    return found


def _largest(shares: dict[str, float]) -> list[str]:
    return [label for label, share in shares.items() if share == max(shares.values())]


def _plain(label: str) -> str:
    return emotion_of(label) or label.strip().casefold()

"""What a file of results says of each clip, as arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.evaluate.cells import number, text, truth
from client.evaluate.labels import Labels
from client.evaluate.results import Results, Row, refuse_row
from shared.errors import WarningCode
from shared.rows import PROBABILITY
from training.evaluation.faults import invalid
from training.evaluation.scored import NO_TRUTH, Scored

SUCCEEDED, FAILED = "succeeded", "failed"
GROUPS = ("fold", "speaker", "dataset")
DIMENSIONS = ("valence", "arousal")
# Results written with few digits still sum up to 1 within this.
SUM_TOLERANCE = 0.02
# As in training: a label of probability 0 gets a finite logit.
LEAST_PROBABILITY = 1e-7
NO_DATASET = "results"


@dataclass
class Answers:
    """The rows of a file of results, N of them answered or failed.

    Attributes:
        labels: The model's.
        clips: How many rows there are.
        failed: Failed rows by error code.
        open: Rows of any other status than failed or succeeded.
        models: Answered rows by model id.
        warnings: Answered rows by code of warning.
        untrained: Answered rows of a model that has not been trained.
        answered: Which of the N have an answer.
        reasons: Why no figure counts them for emotions; empty where one does.
        columns: The other columns of ``Scored``, N long each.
        groups: By ``fold``, ``speaker`` and ``dataset``: the N cells; without columns not there.
    """

    labels: tuple[str, ...]
    clips: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    untrained: int = 0
    answered: list[bool] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    columns: dict[str, list[Any]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which of the N have an answer, bool (N,)."""
        return np.array(self.answered, bool)

    def scored(self) -> Scored:
        """Return the N rows; the scores of failed ones are zeros.

        Raises:
            AvemotionError: ``INVALID_DATASET``: a clip stands twice, or a true value is out of range.
        """
        arrays: dict[str, Any] = dict(self.columns)
        arrays["logits"] = np.array(arrays["logits"], np.float32).reshape(-1, len(self.labels))
        return Scored(labels=self.labels, **arrays)


def read_answers(results: Results) -> Answers:
    """Return what the rows say.

    Raises:
        AvemotionError: ``INVALID_DATASET``: columns are missing, a value cannot be, or nothing was answered.
    """
    labels = Labels(results)
    answers = Answers(labels.known)
    answers.groups = {name: [] for name in GROUPS if name in results.columns}
    answers.columns = {name: [] for name in _COLUMNS}
    for place, row in enumerate(results.rows(), start=1):
        answers.clips += 1
        status = text(row.get("status")) or SUCCEEDED
        if status == FAILED:
            answers.failed[text(row.get("error_code")) or "unknown"] += 1
        elif status != SUCCEEDED:
            answers.open[status] += 1
            continue
        else:
            _count(answers, row)
        try:
            _add(answers, labels, row, place, answered=status == SUCCEEDED)
        except ValueError as error:
            raise refuse_row(results, place, f"{error}.") from error
    if not any(answers.answered):
        raise invalid(f"None of the {answers.clips:,} clips in {results.name} has an answer to evaluate.")
    return answers


_COLUMNS = (
    *("samples", "datasets", "speakers", "folds", "truth", "logits"),
    *(*DIMENSIONS, "true_valence", "true_arousal", "affect_sources"),
)


def _count(answers: Answers, row: Row) -> None:
    answers.models[text(row.get("model_id")) or "unknown"] += 1
    answers.untrained += truth(row.get("trained")) is False
    answers.warnings.update(code for code in text(row.get("warnings")).split(";") if code)


def _add(answers: Answers, labels: Labels, row: Row, place: int, *, answered: bool) -> None:
    """Add a row; what is wrong with it is a ``ValueError`` in words that follow the row's number."""
    cells = {name: _number(row, name) for name in (*DIMENSIONS, *(f"true_{name}" for name in DIMENSIONS))}
    if not answered or WarningCode.AFFECT_UNTRAINED.code in text(row.get("warnings")).split(";"):
        cells |= dict.fromkeys(DIMENSIONS, float("nan"))
    known = any(np.isfinite(cells[f"true_{name}"]) for name in DIMENSIONS)
    said = labels.truth(row)
    dataset = text(row.get("dataset")) or NO_DATASET
    for name, value in {
        **cells,
        "samples": text(row.get("path")) or f"row {place}",
        "datasets": dataset,
        "speakers": _speaker(text(row.get("speaker")), dataset),
        "folds": _fold(row),
        "truth": said.index,
        "logits": _logits(row, answers.labels) if answered else [0.0] * len(answers.labels),
        "affect_sources": (text(row.get("affect_source")) or "annotated") if known else None,
    }.items():
        answers.columns[name].append(value)
    answers.answered.append(answered)
    answers.reasons.append(said.reason if said.index == NO_TRUTH else "")
    for name, cells_of in answers.groups.items():
        cells_of.append(text(row.get(name)))


def _logits(row: Row, labels: Sequence[str]) -> list[float]:
    shares = np.array([_number(row, PROBABILITY + label) for label in labels])
    total = float(np.nansum(shares))
    if not np.isfinite(shares).any():
        raise ValueError("it has succeeded and has no probabilities")
    if (shares < 0).any() or abs(total - 1) > SUM_TOLERANCE:
        message = f"its probabilities sum up to {total:.3g} and should to 1, each from 0 to 1"
        raise ValueError(message)
    # What another model of the same batch knows, this one says nothing of.
    return list(np.log(np.maximum(np.nan_to_num(shares), LEAST_PROBABILITY)))


def _number(row: Row, name: str) -> float:
    try:
        return number(row.get(name))
    except ValueError as error:
        message = f"{name} is {text(row[name])!r}, which is no number"
        raise ValueError(message) from error


def _fold(row: Row) -> int:
    fold = _number(row, "fold")
    if np.isnan(fold):
        return 0
    if fold != int(fold):
        message = f"fold is {text(row['fold'])!r}, and folds are whole numbers"
        raise ValueError(message)
    return int(fold)


def _speaker(speaker: str, dataset: str) -> str | None:
    if not speaker or "/" in speaker:
        return speaker or None
    return f"{dataset}/{speaker}"

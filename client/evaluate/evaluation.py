"""From the answers to their evaluation; every figure comes from ``training.evaluation``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from client.evaluate.answers import DIMENSIONS, Answers
from client.evaluate.labels import STRANGE
from shared.errors import WarningCode
from training.evaluation.constants import depends_on_class_alone
from training.evaluation.document import Estimate, Report
from training.evaluation.faults import invalid
from training.evaluation.parts import PartTable, part_table
from training.evaluation.report import build_report
from training.evaluation.scored import Scored
from training.evaluation.served import Evaluation, accuracy_with_failures

UNSEEN = (
    "These figures hold for other people only if the model was not trained on these clips or their speakers;"
    " its card says what it was trained on."
)
CONSTANT = (
    "True {names} of {count:,} clips are constants of the emotion and no person's annotation. They are not"
    " compared: agreement with them tells how well emotions are told, and is no result of regression."
)
NO_AFFECT = "No clip has a true valence or arousal, so neither is compared."
CONSTANT_SOURCE = "class_constant"


def evaluate(answers: Answers, name: str, by: str | None = None) -> Evaluation:
    """Return all figures of the answers.

    Args:
        answers: What the file says.
        name: The file's, for headings.
        by: ``fold``, ``speaker`` or ``dataset``, to compare parts; None for none.

    Raises:
        AvemotionError: ``INVALID_DATASET``: there is nothing that can be compared.
    """
    if by is not None and not any(answers.groups.get(by, ())):
        raise invalid(f"{name} does not say the {by} of any clip, so parts cannot be compared by {by}.")
    _check_comparable(answers, name)
    asked, answered = answers.scored(), answers.mask
    asked, refused = _without_constants(asked)
    compared = answered & (asked.labelled | _has_affect(asked))
    scored = asked.rows(compared)
    report = build_report(scored, title=f"Evaluation of {name}", context=_context(answers, name))
    return Evaluation(
        clips=answers.clips,
        failed=dict(answers.failed),
        open=dict(answers.open),
        left_out=dict(_left_out(answers)),
        war_with_failures=_with_failures(answers, asked),
        affect_refused=(*refused, *_affect_warnings(answers, scored, refused=bool(refused))),
        notes=tuple(_notes(answers, report)),
        parts=_parts(answers, scored, compared, by),
        report=report,
    )


def _check_comparable(answers: Answers, name: str) -> None:
    """Raise where no answered clip has a true emotion that the model knows."""
    left_out = _left_out(answers)
    if sum(left_out.values()) < sum(answers.answered):
        return
    strange = sorted(reason.removeprefix(STRANGE) for reason in left_out if reason.startswith(STRANGE))
    if strange:
        raise invalid(
            f"The true emotions in {name} are of another set than the model's: {', '.join(strange)}; the"
            f" model knows {', '.join(answers.labels)}."
        )
    raise invalid(
        f"None of the answered clips in {name} has one true emotion, so there is nothing to compare."
    )


def _without_constants(asked: Scored) -> tuple[Scored, list[str]]:
    """Return the clips without true values that are constants of the class, and sentences on them."""
    constant = np.array([source == CONSTANT_SOURCE for source in asked.affect_sources], bool)
    columns: dict[str, Any] = {}
    found = {}
    for name in DIMENSIONS:
        values = np.array(getattr(asked, f"true_{name}"))
        stated = constant & np.isfinite(values)
        if depends_on_class_alone(asked.truth[~constant], values[~constant]):
            stated |= np.isfinite(values)
        if stated.any():
            found[name] = int(stated.sum())
        columns[f"true_{name}"] = np.where(stated, np.nan, values)
    sentences = []
    if found:
        sentences = [CONSTANT.format(names=" and ".join(found), count=max(found.values()))]
    return replace(asked, **columns), sentences


def _has_affect(scored: Scored) -> NDArray[np.bool_]:
    known = [
        np.isfinite(getattr(scored, name)) & np.isfinite(getattr(scored, f"true_{name}"))
        for name in DIMENSIONS
    ]
    return np.asarray(known[0] | known[1])


def _affect_warnings(answers: Answers, scored: Scored, *, refused: bool) -> Iterator[str]:
    for code in (WarningCode.AFFECT_UNTRAINED, WarningCode.AFFECT_FROM_CLASSES):
        if answers.warnings[code.code]:
            yield code.message
    if (
        not refused
        and not answers.warnings[WarningCode.AFFECT_UNTRAINED.code]
        and not _has_affect(scored).any()
    ):
        yield NO_AFFECT


def _left_out(answers: Answers) -> Counter[str]:
    rows = zip(answers.reasons, answers.answered, strict=True)
    return Counter(reason for reason, answered in rows if answered and reason)


def _with_failures(answers: Answers, asked: Scored) -> Estimate | None:
    labelled = asked.labelled
    if answers.mask[labelled].all():
        return None
    return accuracy_with_failures(asked.rows(labelled), answers.mask[labelled])


def _notes(answers: Answers, report: Report) -> Iterator[str]:
    if answers.untrained:
        yield WarningCode.UNTRAINED_MODEL.message
    if answers.failed:
        codes = ", ".join(f"{code} {count:,}" for code, count in answers.failed.most_common())
        yield f"{answers.failed.total():,} of {answers.clips:,} clips failed and are left out ({codes})."
    if answers.open:
        states = ", ".join(f"{status} {count:,}" for status, count in answers.open.most_common())
        yield f"{answers.open.total():,} clips have no answer and are left out ({states})."
    for reason, count in _left_out(answers).most_common():
        yield f"{count:,} answered clips do not count for emotions: {reason}."
    if len(answers.models) > 1:
        yield f"The answers are of {len(answers.models)} models: {', '.join(sorted(answers.models))}."
    if report.absent:
        yield f"No clip shows {', '.join(report.absent)}: means over emotions leave it out."
    if report.bootstrap.caution:
        yield report.bootstrap.caution
    yield UNSEEN


def _parts(answers: Answers, scored: Scored, compared: NDArray[np.bool_], by: str | None) -> PartTable | None:
    if by is None:
        return None
    cells = answers.groups[by]
    return part_table(by, scored, [cells[row] for row in np.flatnonzero(compared)])


def _context(answers: Answers, name: str) -> dict[str, JsonValue]:
    return {
        "results": name,
        "model": ", ".join(sorted(answers.models)),
        "clips": answers.clips,
        "answered": sum(answers.answered),
    }

"""Building the report of a model, and writing it down."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from shared.outputs import make_folder, replacing
from training.evaluation.affect import affect_of
from training.evaluation.bootstrap import DRAWS, SEED, Clusters, clusters_of
from training.evaluation.comparison import compare
from training.evaluation.document import Bootstrap, Report
from training.evaluation.faults import invalid
from training.evaluation.page import page_of
from training.evaluation.reliability import calibration_of
from training.evaluation.scored import Scored
from training.evaluation.telling import (
    Details,
    confusion_sums,
    dataset_rows,
    fold_figures,
    group_tables,
    label_figures,
    rates_from,
)
from training.evaluation.temperature import scale

Curves = Mapping[str, Sequence[Mapping[str, float | None]]]

JSON_NAME, PAGE_NAME = "report.json", "report.html"


def build_report(  # noqa: PLR0913 - a report has many sources, and each is named
    scored: Scored,
    *,
    title: str,
    curves: Curves | None = None,
    ablation: Mapping[str, Scored] | None = None,
    context: Mapping[str, JsonValue] | None = None,
    pseudo_labels: Mapping[str, tuple[float, float]] | None = None,
    validation: Scored | None = None,
    details: Details | None = None,
) -> Report:
    """Return all that is known of a model from samples that it was not trained on.

    Args:
        scored: These samples, all folds together; those without a true emotion count for valence and arousal.
        title: Heading of the report.
        curves: By run (``fold 1``, say): a row an epoch, with ``epoch`` and any other figures by name.
        ablation: By name: the same samples scored in another way (one modality, another fusion).
        context: How it was made: recipe, data, model, environment, commit, licences, seeds; by heading.
        pseudo_labels: Valence and arousal that stood for each class in training where nobody annotated them.
        validation: Other held-out samples to fit the temperature on; without them it is fitted crosswise.
        details: Attributes (sex, language) by data set and name of a sample, to tell groups apart.

    Raises:
        AvemotionError: ``INVALID_DATASET`` where the samples cannot be evaluated, or do not go together.
    """
    known = scored.labelled
    if not known.any():
        raise invalid("None of the samples has a true emotion, so there is nothing to evaluate.")
    told = scored.rows(known)
    absent = _absent(told)
    if len(scored.labels) - len(absent) == 1:
        raise invalid(
            f"All labelled samples are {scored.labels[told.truth[0]]}: nothing can be told of other emotions."
        )
    scaling = scale(scored, validation)
    clusters = clusters_of(told)
    sums = confusion_sums(told, clusters)
    support = sums.total.sum(1)
    groups = tuple(group_tables(told, details or {}))
    rivals = tuple(compare(name, other, scored) for name, other in (ablation or {}).items())
    try:
        return Report(
            title=title,
            date=dt.datetime.now(dt.UTC).replace(microsecond=0),
            labels=scored.labels,
            absent=absent,
            samples=len(scored),
            rates=rates_from(sums, told),
            majority_war=float(support.max() / support.sum()),
            chance_uar=float(1 / (support > 0).sum()),
            bootstrap=Bootstrap(
                unit=clusters.unit,
                clusters=clusters.count,
                draws=DRAWS,
                seed=SEED,
                caution=clusters.caution,
            ),
            by_label=label_figures(sums, scored.labels),
            confusion=tuple(tuple(int(count) for count in row) for row in sums.total),
            calibration=calibration_of(told, scaling.kept, scaling.rows[known], scaling.basis),
            affect=affect_of(scored, pseudo_labels or {}),
            folds=fold_figures(told, scaling.rows[known]),
            datasets=dataset_rows(scored, scaling.rows),
            groups=groups,
            ablation=rivals,
            curves={run: tuple(_numbers(row) for row in rows) for run, rows in (curves or {}).items()},
            context=dict(context or {}),
            notes=tuple(_notes(scored, clusters, absent)),
        )
    except ValidationError as error:
        raise invalid(f"The report cannot be put together: {_first(error)}.") from error


def write_report(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write ``report.json`` and ``report.html`` into ``folder``, which is made if missing; return both paths.

    Raises:
        AvemotionError: ``INVALID_REQUEST`` where they cannot be written.
    """
    make_folder(folder)
    texts = {JSON_NAME: report.model_dump_json(indent=2) + "\n", PAGE_NAME: page_of(report)}
    for name, text in texts.items():
        with replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return folder / JSON_NAME, folder / PAGE_NAME


def read_report(path: Path) -> Report:
    """Return the report that ``write_report`` wrote.

    Raises:
        AvemotionError: ``INVALID_DATASET`` where the file is missing, damaged or of another version.
    """
    try:
        return Report.model_validate_json(path.read_bytes())
    except OSError as error:
        raise invalid(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValidationError as error:
        raise invalid(f"{path} is no report of this version: {_first(error)}.") from error


def _absent(told: Scored) -> tuple[str, ...]:
    found = set(told.truth.tolist())
    return tuple(label for row, label in enumerate(told.labels) if row not in found)


def _notes(scored: Scored, clusters: Clusters, absent: tuple[str, ...]) -> Iterator[str]:
    unlabelled = int((~scored.labelled).sum())
    if clusters.caution:
        yield clusters.caution
    if unlabelled:
        yield f"{unlabelled} of {len(scored)} samples have no true emotion and do not count for emotions."
    if absent:
        yield f"No sample has the label {', '.join(absent)}: means over labels leave it out."


def _numbers(row: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return a row of a curve, with null for what is no finite number."""
    known = {name: value for name, value in row.items() if value is not None and math.isfinite(value)}
    return {name: float(known[name]) if name in known else None for name in row}


def _first(error: ValidationError) -> str:
    fault: Any = error.errors()[0]
    place = ".".join(str(step) for step in fault["loc"])
    return f"{place}: {fault['msg']}" if place else str(fault["msg"])

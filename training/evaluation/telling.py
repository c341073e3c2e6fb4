"""How well emotions are told: overall, by label, by fold, by data set, by group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bootstrap import Clusters, Sums, clusters_of, estimate, estimates, resample
from training.evaluation.calibration import calibration_error, equal_width_bins, log_probabilities
from training.evaluation.document import (
    DatasetRow,
    FoldRow,
    Folds,
    GroupRow,
    GroupTable,
    LabelFigures,
    Rates,
)
from training.evaluation.rates import (
    accuracy,
    confusion_cells,
    f1_scores,
    macro_f1,
    precisions,
    recalls,
    share_excess,
    unweighted_recall,
)
from training.evaluation.scored import Scored

Array = NDArray[np.float64]
Figure = Callable[[Array], Array]
Details = Mapping[tuple[str, str], Mapping[str, str]]

# An attribute with more values names samples rather than groups.
MOST_GROUPS = 16
FIGURES: Mapping[str, Figure] = {
    "war": accuracy,
    "uar": unweighted_recall,
    "macro_f1": macro_f1,
}


def confusion_sums(scored: Scored, clusters: Clusters, chosen: NDArray[np.bool_] | None = None) -> Sums:
    """Return confusion matrices of all labelled samples and of each draw.

    Args:
        scored: Labelled samples.
        clusters: Which of them are drawn together.
        chosen: Which of them count, (N,); all if None.
    """
    labels = len(scored.labels)
    cells = confusion_cells(scored.truth, scored.logits.argmax(-1), labels)
    counted = cells if chosen is None else cells * chosen[:, None]
    return resample(counted, clusters).reshaped(labels, labels)


def rates_of(scored: Scored) -> Rates:
    """Return the overall figures of labelled samples, with intervals."""
    return rates_from(confusion_sums(scored, clusters_of(scored)), scored)


def rates_from(sums: Sums, scored: Scored) -> Rates:
    """Return the overall figures of confusion matrices, and how many samples and speakers they are from."""
    speakers = {speaker for speaker in scored.speakers if speaker is not None}
    figures = {name: estimate(sums, figure) for name, figure in FIGURES.items()}
    return Rates(samples=len(scored), speakers=len(speakers), **figures)


def label_figures(sums: Sums, labels: tuple[str, ...]) -> tuple[LabelFigures, ...]:
    """Return the figures of each label from confusion matrices."""
    columns = [estimates(sums, figure) for figure in (recalls, precisions, f1_scores, share_excess)]
    support, predicted = sums.total.sum(1), sums.total.sum(0)
    return tuple(
        LabelFigures(
            label=label,
            support=int(support[row]),
            predicted=int(predicted[row]),
            recall=columns[0][row],
            precision=columns[1][row],
            f1=columns[2][row],
            excess=columns[3][row],
        )
        for row, label in enumerate(labels)
    )


def fold_figures(scored: Scored, temperatures: Array) -> Folds:
    """Return figures of labelled samples fold by fold; ``temperatures`` (N,) divide the logits."""
    rows = []
    for fold in np.unique(scored.folds):
        inside = scored.folds == fold
        part = scored.rows(inside)
        labels = len(part.labels)
        cells = confusion_cells(part.truth, part.logits.argmax(-1), labels)
        counts = cells.sum(0).reshape(labels, labels)
        figures = {name: float(figure(counts)) for name, figure in FIGURES.items()}
        figures["ece"] = scaled_error(part, temperatures[inside])
        speakers = {speaker for speaker in part.speakers if speaker is not None}
        rows.append(FoldRow(fold=int(fold), samples=len(part), speakers=len(speakers), **figures))
    columns = {name: [getattr(row, name) for row in rows] for name in (*FIGURES, "ece")}
    mean = {name: float(np.mean(values)) for name, values in columns.items()}
    std = {name: float(np.std(values, ddof=1)) for name, values in columns.items() if len(values) > 1}
    return Folds(rows=tuple(rows), mean=mean, std=std)


def dataset_rows(scored: Scored, temperatures: Array) -> tuple[DatasetRow, ...]:
    """Return figures of all samples data set by data set; ``temperatures`` (N,) divide the logits."""
    rows = []
    for name in sorted(set(scored.datasets)):
        inside = np.array([dataset == name for dataset in scored.datasets])
        known = inside & scored.labelled
        part = scored.rows(known)
        counts = Counter(part.truth.tolist())
        rows.append(
            DatasetRow(
                name=name,
                samples=int(inside.sum()),
                folds=len(np.unique(scored.folds[inside])),
                counts={label: counts[row] for row, label in enumerate(scored.labels)},
                rates=rates_of(part) if known.any() else None,
                ece=scaled_error(part, temperatures[known]) if known.any() else None,
            )
        )
    return tuple(rows)


def group_tables(scored: Scored, details: Details) -> Iterator[GroupTable]:
    """Yield figures of labelled samples by each attribute that forms groups.

    Args:
        scored: Labelled samples.
        details: Attributes by data set and name of a sample.
    """
    found = [details.get(key, {}) for key in scored.keys]
    for attribute in sorted({name for row in found for name in row}):
        values = np.array([row.get(attribute, "") for row in found])
        names = sorted(set(values.tolist()) - {""})
        if 1 < len(names) <= MOST_GROUPS:
            known = values != ""
            yield _group_table(attribute, names, scored.rows(known), values[known])


def scaled_error(scored: Scored, temperatures: Array) -> float:
    """Return the expected calibration error of labelled samples with scaled logits."""
    return calibration_error(equal_width_bins(log_probabilities(scored.logits, temperatures), scored.truth))


def _group_table(attribute: str, names: list[str], scored: Scored, values: NDArray[np.str_]) -> GroupTable:
    clusters = clusters_of(scored)
    everyone = confusion_sums(scored, clusters)
    rows = []
    for name in names:
        chosen = values == name
        inside = confusion_sums(scored, clusters, chosen)
        pair = inside.beside(everyone.minus(inside))
        told = recalls(inside.total)
        rows.append(
            GroupRow(
                value=name,
                rates=rates_from(inside, scored.rows(chosen)),
                difference=estimate(pair, _recall_gap),
                recalls={
                    label: float(recall) if np.isfinite(recall) else None
                    for label, recall in zip(scored.labels, told, strict=True)
                },
            )
        )
    return GroupTable(attribute=attribute, rows=tuple(rows))


def _recall_gap(pairs: Array) -> Array:
    """Return how much larger the first matrix's UAR is, (...), over labels of both; (..., 2, K, K)."""
    gaps = recalls(pairs[..., 0, :, :]) - recalls(pairs[..., 1, :, :])
    known = np.isfinite(gaps)
    count = known.sum(-1)
    return np.where(count > 0, np.where(known, gaps, 0).sum(-1) / np.maximum(count, 1), np.nan)

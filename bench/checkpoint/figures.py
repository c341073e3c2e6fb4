"""From what was said of samples to figures; whoever nothing can be said of counts as wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.checkpoint.results import Comparison, Telling
from training.datasets.sample import Sample
from training.evaluation.bootstrap import clusters_of
from training.evaluation.comparison import align, compare
from training.evaluation.scored import Scored, join
from training.evaluation.telling import confusion_sums, label_figures, rates_from, rates_of, scaled_error
from training.fitting.scoring import Scores

# The answer to a sample that shows no face and holds no voice; it is never true.
NOTHING = "nothing"
# Logits of what is never and of what is always said: exp() of the first is 0 beside any other.
NEVER, ALWAYS = -100.0, 0.0


def telling_of(scored: Scored) -> Telling:
    """Return how well emotions are told in labelled samples."""
    sums = confusion_sums(scored, clusters_of(scored))
    return Telling(
        rates=rates_from(sums, scored),
        # Logarithms of served probabilities: no temperature is left to divide by.
        ece=scaled_error(scored, np.ones(len(scored))),
        by_label=label_figures(sums, scored.labels),
    )


def comparison_of(
    title: str, reference: tuple[str, Scored], others: Mapping[str, Scored], notes: Sequence[str] = ()
) -> Comparison:
    """Return several ways of scoring the same samples; each draw of the intervals takes the same of all."""
    name, scored = reference
    return Comparison(
        title=title,
        reference=name,
        rates=rates_of(scored),
        rows=tuple(compare(each, other, scored) for each, other in others.items()),
        notes=tuple(notes),
    )


def complete(scores: Scores, samples: Sequence[Sample], labels: tuple[str, ...]) -> Scored:
    """Return scores of all samples, with the answer ``NOTHING`` where nothing could be said.

    That answer comes last among the labels.

    Args:
        scores: Of these samples.
        samples: Each with one true label of ``labels``.
        labels: Of the model.
    """
    found = scores.scored
    wide = replace(
        found,
        labels=(*labels, NOTHING),
        logits=np.column_stack([found.logits, np.full(len(found), NEVER, np.float32)]),
    )
    unscored = set(scores.unscored)
    missed = [sample for sample in samples if f"{sample.dataset}/{sample.id}" in unscored]
    return join([part for part in (wide, _missed(missed, wide.labels)) if len(part)])


def scored_by(
    logits: NDArray[np.floating], samples: Sequence[Sample], labels: Sequence[str], wanted: tuple[str, ...]
) -> Scored:
    """Return what another model said, in the labels of ours.

    Args:
        logits: Of the other model, (samples, its labels).
        samples: Each with one true label.
        labels: The other model's.
        wanted: Those of ours; what the other model does not know is never said.
    """
    columns = np.full((len(samples), len(wanted)), NEVER, np.float32)
    for place, label in enumerate(labels):
        columns[:, wanted.index(label)] = logits[:, place]
    return _scored(columns, samples, wanted)


def mean_of(first: Scored, second: Scored) -> Scored:
    """Return the mean of the probabilities of two models over the same samples.

    Where the second can say nothing, it is what the first says.
    """
    both = align("the second", second, first)
    silent = both.logits.argmax(axis=1) == len(both.labels) - 1
    mean = np.logaddexp(first.logits.astype(np.float64), both.logits.astype(np.float64)) - np.log(2)
    return replace(first, logits=np.where(silent[:, None], first.logits, mean).astype(np.float32))


def label_of(sample: Sample) -> str:
    """Return the one emotion of a sample."""
    (label,) = sample.emotions or {}
    return label


def _missed(samples: Sequence[Sample], labels: tuple[str, ...]) -> Scored:
    logits = np.full((len(samples), len(labels)), NEVER, np.float32)
    logits[:, labels.index(NOTHING)] = ALWAYS
    return _scored(logits, samples, labels)


def _scored(logits: NDArray[np.float32], samples: Sequence[Sample], labels: tuple[str, ...]) -> Scored:
    unknown = np.full(len(samples), np.nan, np.float32)
    return Scored(
        labels=labels,
        samples=tuple(sample.id for sample in samples),
        datasets=tuple(sample.dataset for sample in samples),
        speakers=tuple(sample.speaker for sample in samples),
        folds=np.array([sample.fold or 0 for sample in samples], np.int64),
        truth=np.array([labels.index(label_of(sample)) for sample in samples], np.int64),
        logits=logits,
        valence=unknown,
        arousal=unknown,
        true_valence=unknown,
        true_arousal=unknown,
        affect_sources=(None,) * len(samples),
    )

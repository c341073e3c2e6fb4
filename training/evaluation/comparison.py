"""Two models over the same samples, compared draw by draw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bootstrap import clusters_of, estimate
from training.evaluation.document import AblationRow
from training.evaluation.faults import invalid
from training.evaluation.scored import Scored, check_same_labels
from training.evaluation.telling import FIGURES, Figure, confusion_sums, rates_from


def compare(name: str, other: Scored, reference: Scored) -> AblationRow:
    """Return the figures of ``other`` and how they differ from those of ``reference``.

    Both must have scored the same samples; each draw takes the same speakers of both, so that what makes a
    speaker easy or hard cancels out.

    Raises:
        AvemotionError: ``INVALID_DATASET`` where samples, labels or truth differ.
    """
    aligned = align(name, other, reference)
    known = reference.labelled
    reference, aligned = reference.rows(known), aligned.rows(known)
    clusters = clusters_of(reference)
    mine, theirs = confusion_sums(aligned, clusters), confusion_sums(reference, clusters)
    pair = mine.beside(theirs)
    differences = {f"{key}_difference": estimate(pair, _gap_of(figure)) for key, figure in FIGURES.items()}
    return AblationRow(name=name, rates=rates_from(mine, aligned), **differences)


def align(name: str, other: Scored, reference: Scored) -> Scored:
    """Return ``other`` in the order of ``reference``.

    Raises:
        AvemotionError: ``INVALID_DATASET`` where samples, labels or truth differ.
    """
    check_same_labels(reference, other)
    wanted, found = set(reference.keys), set(other.keys)
    odd = sorted(wanted ^ found)
    if odd:
        raise invalid(
            f"{name} was scored on other samples and cannot be compared: {len(wanted - found)} are missing "
            f"and {len(found - wanted)} are foreign, such as {odd[0][1]} of {odd[0][0]}."
        )
    places = {key: row for row, key in enumerate(other.keys)}
    order: NDArray[np.int64] = np.array([places[key] for key in reference.keys], np.int64)
    aligned = other.rows(order)
    differing = np.flatnonzero(aligned.truth != reference.truth)
    if differing.size:
        raise invalid(
            f"{name} was scored against other labels: {len(differing)} samples differ, such as "
            f"{reference.samples[differing[0]]}."
        )
    return aligned


def _gap_of(figure: Figure) -> Figure:
    """Return how much larger a figure of the first of two matrices is, as a function of (..., 2, K, K)."""
    return lambda pairs: figure(pairs[..., 0, :, :]) - figure(pairs[..., 1, :, :])

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
)

from tests.unit.training.evaluation.scores import untimed
from training.evaluation.rates import (
    Array,
    accuracy,
    confusion_cells,
    f1_scores,
    macro_f1,
    precisions,
    recalls,
    share_excess,
    unweighted_recall,
)

LABELS = 4
outcomes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)
matrices = arrays(np.int64, (LABELS, LABELS), elements=st.integers(0, 9)).filter(np.any)


def counts_of(pairs: list[tuple[int, int]]) -> Array:
    truth, predicted = np.array(pairs).T
    return np.asarray(confusion_cells(truth, predicted, LABELS).sum(0).reshape(LABELS, LABELS))


@untimed
@given(outcomes)
def test_figures_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    """Each figure is what scikit-learn computes over the labels that occur."""
    truth, predicted = np.array(pairs).T
    counts = counts_of(pairs)
    occurring = sorted(set(truth.tolist()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precision, recall, f1, _ = precision_recall_fscore_support(
            truth, predicted, labels=range(LABELS), zero_division=np.nan
        )
        balanced = balanced_accuracy_score(truth, predicted)

    assert np.array_equal(counts, confusion_matrix(truth, predicted, labels=range(LABELS)))
    assert accuracy(counts) == pytest.approx(accuracy_score(truth, predicted))
    assert unweighted_recall(counts) == pytest.approx(balanced)
    assert macro_f1(counts) == pytest.approx(
        f1_score(truth, predicted, labels=occurring, average="macro", zero_division=0)
    )
    np.testing.assert_allclose(recalls(counts), recall)
    np.testing.assert_allclose(precisions(counts), precision)
    np.testing.assert_allclose(f1_scores(counts), f1)


@untimed
@given(matrices)
def test_figures_are_shares(counts: Array) -> None:
    """All rates lie in [0, 1], excesses in [-1, 1] with sum 0."""
    for figure in (accuracy, recalls, precisions, f1_scores, unweighted_recall, macro_f1):
        values = figure(counts)
        assert ((values >= 0) & (values <= 1) | np.isnan(values)).all()
    assert np.abs(share_excess(counts)).max() <= 1
    assert share_excess(counts).sum() == pytest.approx(0)


@untimed
@given(matrices, st.permutations(range(LABELS)))
def test_order_of_labels_does_not_matter(counts: Array, order: list[int]) -> None:
    """Means over labels stay, and figures of labels move with their label."""
    moved = counts[np.ix_(order, order)]
    for figure in (accuracy, unweighted_recall, macro_f1):
        assert figure(moved) == pytest.approx(float(figure(counts)))
    np.testing.assert_allclose(recalls(moved), recalls(counts)[order])


@untimed
@given(arrays(np.int64, (3, 2, LABELS, LABELS), elements=st.integers(0, 9)))
def test_stacks_are_taken_as_one_by_one(counts: Array) -> None:
    """A stack of matrices gives the figures of each, without values where a matrix is empty."""
    for figure in (accuracy, recalls, precisions, f1_scores, unweighted_recall, macro_f1, share_excess):
        stacked = figure(counts)
        for place in np.ndindex(3, 2):
            np.testing.assert_array_equal(stacked[place], figure(counts[place]))


def test_label_that_does_not_occur_is_left_out() -> None:
    """A label without samples has no recall, and no part in UAR; one never predicted has no precision."""
    counts = np.array([[3, 1, 0], [1, 1, 0], [0, 0, 0]])

    assert unweighted_recall(counts) == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert np.isnan(recalls(counts)[2])
    assert np.isnan(precisions(counts)[2])
    np.testing.assert_allclose(share_excess(counts), [0, 0, 0])

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from tests.unit.training.evaluation.scores import LABELS, make_scored
from training.evaluation.bootstrap import clusters_of
from training.evaluation.rates import accuracy
from training.evaluation.telling import (
    confusion_sums,
    dataset_rows,
    fold_figures,
    group_tables,
    label_figures,
    rates_of,
)

SEXES = ("female", "male")


def test_rates_lie_in_their_intervals() -> None:
    """Overall figures are scikit-learn's, and stand between the ends of their intervals."""
    made = make_scored()
    rates = rates_of(made)
    predicted = made.logits.argmax(1)

    assert rates.uar.value == pytest.approx(balanced_accuracy_score(made.truth, predicted))
    assert rates.macro_f1.value == pytest.approx(f1_score(made.truth, predicted, average="macro"))
    assert (rates.samples, rates.speakers) == (280, 20)
    for figure in (rates.war, rates.uar, rates.macro_f1):
        assert figure.low is not None
        assert figure.value is not None
        assert figure.high is not None
        assert 0 <= figure.low < figure.value < figure.high <= 1


def test_figures_do_not_depend_on_the_order_of_samples() -> None:
    """Shuffled samples give the same figures and the same intervals."""
    made = make_scored()
    shuffled = made.rows(np.random.default_rng(3).permutation(280))

    first, second = rates_of(made), rates_of(shuffled)
    for name in ("war", "uar", "macro_f1"):
        one, other = getattr(first, name), getattr(second, name)
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_collapse_to_one_label_is_seen() -> None:
    """A model that always says neutral has recall 1 there, no precision elsewhere, and all of the excess."""
    made = make_scored(logits=np.tile(np.eye(7)[4], (280, 1)))
    rows = {row.label: row for row in label_figures(confusion_sums(made, clusters_of(made)), LABELS)}

    assert rows["neutral"].recall.value == 1
    assert rows["neutral"].predicted == 280
    assert rows["neutral"].excess.value == pytest.approx(6 / 7)
    assert rows["anger"].recall.value == 0
    assert rows["anger"].precision.value is None
    assert rows["anger"].excess.value == pytest.approx(-1 / 7)


def test_folds_are_told_apart() -> None:
    """Each fold has its own figures; mean and standard deviation are over folds, not samples."""
    made = make_scored()
    folds = fold_figures(made, np.ones(280))
    uars = [
        balanced_accuracy_score(made.truth[made.folds == fold], made.logits[made.folds == fold].argmax(1))
        for fold in range(1, 6)
    ]

    assert [row.fold for row in folds.rows] == [1, 2, 3, 4, 5]
    assert [row.uar for row in folds.rows] == pytest.approx(uars)
    assert folds.mean["uar"] == pytest.approx(np.mean(uars))
    assert folds.std["uar"] == pytest.approx(np.std(uars, ddof=1))
    assert [row.speakers for row in folds.rows] == [4] * 5


def test_one_fold_has_no_spread() -> None:
    """A single split has a mean and no standard deviation."""
    folds = fold_figures(make_scored(folds=1), np.ones(280))

    assert len(folds.rows) == 1
    assert folds.std == {}


def test_data_sets_of_a_mixture_are_told_apart() -> None:
    """Each data set has its own figures; one without labels has none, but is counted."""
    names = ["a"] * 140 + ["b"] * 140
    truth = np.where(np.arange(280) < 140, np.array(make_scored().truth), -1)
    made = make_scored(datasets=names, truth=truth)
    first, second = dataset_rows(made, np.ones(280))

    assert (first.name, first.samples, second.name, second.samples) == ("a", 140, "b", 140)
    assert first.rates == rates_of(made.rows(np.arange(140)))
    assert first.counts == dict.fromkeys(LABELS, 20)
    assert second.rates is None
    assert second.ece is None


def test_groups_are_compared_with_all_others() -> None:
    """Women whom the model always tells right stand above men, by the difference of the recalls."""
    made = make_scored(signal=0)
    sexes = [SEXES[int((name or "0")[-2:]) % 2] for name in made.speakers]
    female = np.array([sex == "female" for sex in sexes])
    logits = np.where(female[:, None], 10 * np.eye(7)[made.truth], made.logits)
    better = make_scored(logits=logits)
    (table,) = group_tables(better, {key: {"sex": sex} for key, sex in zip(made.keys, sexes, strict=True)})
    rows = {row.value: row for row in table.rows}
    men = balanced_accuracy_score(made.truth[~female], made.logits[~female].argmax(1))

    assert table.attribute == "sex"
    assert rows["female"].rates.uar.value == 1
    assert rows["female"].rates.speakers == 10
    assert rows["female"].difference.value == pytest.approx(1 - men)
    assert rows["male"].difference.value == pytest.approx(men - 1)
    assert rows["female"].difference.low is not None
    assert rows["female"].difference.low > 0.5
    assert rows["female"].recalls == dict.fromkeys(LABELS, 1.0)


@pytest.mark.parametrize(("shared", "difference"), [(False, None), (True, 0)])
def test_difference_is_over_labels_of_both_groups(shared: bool, difference: float | None) -> None:
    """A label that only one group shows takes no part; where they share none there is no difference."""
    made = make_scored(logits=10 * np.eye(7)[np.array(make_scored().truth)])
    levels = {
        key: {"level": "calm" if truth < 2 or (shared and truth < 4 and row < 140) else "loud"}
        for row, (key, truth) in enumerate(zip(made.keys, made.truth.tolist(), strict=True))
    }
    (table,) = group_tables(made, levels)

    assert [row.difference.value for row in table.rows] == [difference, difference]


def test_attributes_that_form_no_groups_are_left_out() -> None:
    """One value for all, or one for each sample, is no group; unknown values are left aside."""
    made = make_scored()
    details = {
        key: {"language": "en", "sentence": str(row)} | ({"sex": SEXES[row % 2]} if row < 100 else {})
        for row, key in enumerate(made.keys)
    }
    (table,) = group_tables(made, details)

    assert table.attribute == "sex"
    assert [row.rates.samples for row in table.rows] == [50, 50]
    assert [table] == list(group_tables(made.rows(np.arange(100)), details))


def test_draws_are_of_the_samples_that_count() -> None:
    """Confusion matrices of a part and of the rest add up to those of all, draw by draw."""
    made = make_scored()
    clusters = clusters_of(made)
    chosen = np.arange(280) % 3 == 0
    inside, outside = (confusion_sums(made, clusters, mask) for mask in (chosen, ~chosen))
    everyone = confusion_sums(made, clusters)

    np.testing.assert_allclose(inside.draws + outside.draws, everyone.draws)
    np.testing.assert_allclose(everyone.minus(inside).draws, outside.draws)
    assert accuracy(everyone.total) == (made.logits.argmax(1) == made.truth).mean()

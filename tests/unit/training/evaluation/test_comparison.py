from __future__ import annotations

import numpy as np
import pytest

from shared.errors import AvemotionError, ErrorCode
from tests.unit.training.evaluation.scores import LABELS, make_scored
from training.evaluation.comparison import compare
from training.evaluation.telling import rates_of


def test_a_model_does_not_differ_from_itself() -> None:
    """The difference of a model to itself is 0 in every draw, whatever the order of its samples."""
    made = make_scored()
    row = compare("again", made.rows(np.arange(280)[::-1]), made)

    for difference in (row.war_difference, row.uar_difference, row.macro_f1_difference):
        assert (difference.value, difference.low, difference.high) == (0, 0, 0)
    assert row.rates == rates_of(made)


def test_difference_is_that_of_the_figures() -> None:
    """The difference of a worse model is its figure less the reference's, and its interval lies below 0."""
    made, worse = make_scored(), make_scored(signal=0.3, seed=1)
    row = compare("worse", worse, made)
    ours, theirs = rates_of(made), rates_of(worse)

    assert theirs.uar.value is not None
    assert ours.uar.value is not None
    assert row.uar_difference.value == pytest.approx(theirs.uar.value - ours.uar.value)
    assert row.uar_difference.high is not None
    assert row.uar_difference.high < 0


def test_speakers_cancel_out() -> None:
    """A small change of the same model has a far shorter interval than the model itself."""
    made = make_scored()
    logits = np.array(made.logits)
    logits[::20] = np.roll(logits[::20], 1, axis=1)
    row = compare("nudged", make_scored(logits=logits), made)

    alone = rates_of(made).war
    assert row.war_difference.low is not None
    assert row.war_difference.high is not None
    assert alone.low is not None
    assert alone.high is not None
    assert row.war_difference.high - row.war_difference.low < (alone.high - alone.low) / 2


def test_unlabelled_samples_do_not_count() -> None:
    """Only samples with a true emotion are compared."""
    truth = np.where(np.arange(280) % 2, np.array(make_scored().truth), -1)
    made = make_scored(truth=truth)

    assert compare("again", made, made).rates.samples == 140


def test_other_samples_labels_or_truth_are_refused() -> None:
    """An ablation over something else is named, with an example."""
    made = make_scored()

    with pytest.raises(AvemotionError, match="audio only was scored on other samples") as caught:
        compare("audio only", made.rows(np.arange(1, 280)), made)
    assert "1 are missing and 0 are foreign, such as clip0000 of made-up" in caught.value.message
    assert caught.value.code is ErrorCode.INVALID_DATASET
    with pytest.raises(AvemotionError, match="different labels"):
        compare("audio only", make_scored(labels=LABELS[::-1]), made)
    truth = np.array(made.truth)
    truth[7] = -1
    with pytest.raises(AvemotionError, match="other labels: 1 samples differ, such as clip0007"):
        compare("audio only", make_scored(truth=truth), made)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from tests.unit.training.evaluation.scores import make_scored, untimed
from training.evaluation.calibration import (
    BINS,
    Array,
    brier_scores,
    calibration_error,
    equal_mass_bins,
    equal_width_bins,
    log_probabilities,
    negative_log_likelihoods,
)


def sure_of(confidences: list[float]) -> Array:
    """Return logarithms of probabilities of two labels, the first of which is the prediction."""
    top = np.array(confidences)
    return np.log(np.stack([top, np.maximum(1 - top, 1e-300)], axis=-1))


def test_losses_are_those_of_scikit_learn() -> None:
    """Mean likelihood and Brier score are log_loss and brier_score_loss."""
    made = make_scored()
    log_p = log_probabilities(made.logits)
    labels = np.arange(len(made.labels))

    assert negative_log_likelihoods(log_p, made.truth).mean() == pytest.approx(
        log_loss(made.truth, np.exp(log_p), labels=labels)
    )
    assert brier_scores(log_p, made.truth).mean() == pytest.approx(
        brier_score_loss(made.truth, np.exp(log_p), labels=labels, scale_by_half=False)
    )


def test_calibration_error_by_hand() -> None:
    """Two of four right at .9 and all two at .6: (4 * .4 + 2 * .4) / 6."""
    log_p = sure_of([0.9, 0.9, 0.9, 0.9, 0.6, 0.6])
    truth = np.array([0, 0, 1, 1, 0, 0])

    for bins in (equal_width_bins(log_p, truth), equal_mass_bins(log_p, truth)):
        assert [(entry.samples, entry.accuracy) for entry in bins] == [(2, 1.0), (4, 0.5)]
        assert calibration_error(bins) == pytest.approx(0.4)


def test_bins_are_those_of_the_definition() -> None:
    """The error is that of a plain loop over bins that hold their upper end."""
    made = make_scored(signal=2)
    log_p = log_probabilities(made.logits)
    confidence, right = np.exp(log_p.max(1)), log_p.argmax(1) == made.truth
    expected = 0.0
    for number in range(BINS):
        inside = (confidence > number / BINS) & (confidence <= (number + 1) / BINS)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())

    assert calibration_error(equal_width_bins(log_p, made.truth)) == pytest.approx(expected)


@pytest.mark.parametrize("number", range(8, BINS + 1))
def test_bins_hold_their_upper_end(number: int) -> None:
    """A confidence between two bins belongs to the lower one."""
    end = float(np.linspace(0, 1, BINS + 1)[number])
    (only,) = equal_width_bins(sure_of([end]), np.array([0]))

    assert only.high == end


def test_bins_of_equal_mass_hold_equally_many() -> None:
    """280 samples in 15 bins are 18 or 19 each."""
    made = make_scored()
    bins = equal_mass_bins(log_probabilities(made.logits), made.truth)

    assert len(bins) == BINS
    assert {entry.samples for entry in bins} == {18, 19}


@untimed
@given(
    st.lists(st.tuples(st.floats(0.5, 1), st.integers(0, 1)), min_size=1, max_size=60),
    st.randoms(use_true_random=False),
)
def test_order_of_samples_does_not_matter(rows: list[tuple[float, int]], random: object) -> None:
    """Bins hold each sample once, lie in [0, 1], and are the same in any order, ties included."""
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for make in (equal_width_bins, equal_mass_bins):
        bins, again = (
            make(sure_of([sure for sure, _ in order]), np.array([truth for _, truth in order]))
            for order in (rows, shuffled)
        )
        assert sum(entry.samples for entry in bins) == len(rows)
        assert 0 <= calibration_error(bins) <= 1
        assert [entry.samples for entry in bins] == [entry.samples for entry in again]
        assert calibration_error(bins) == pytest.approx(calibration_error(again))


def test_each_sample_is_scaled_by_its_own_temperature() -> None:
    """A temperature a sample divides that sample's logits."""
    logits = np.array([[2.0, 0.0], [2.0, 0.0]], np.float32)
    log_p = log_probabilities(logits, np.array([1.0, 2.0]))

    np.testing.assert_allclose(log_p[:, 0] - log_p[:, 1], [2, 1])


def test_sure_beyond_what_floats_hold_stays_finite() -> None:
    """Logits a thousand apart give a large loss, not an infinite one."""
    log_p = log_probabilities(np.array([[1000.0, -1000.0]], np.float32))

    assert negative_log_likelihoods(log_p, np.array([1])) == pytest.approx(2000)
    assert brier_scores(log_p, np.array([1])) == pytest.approx(2)
    assert equal_width_bins(log_p, np.array([1]))[0].high == 1

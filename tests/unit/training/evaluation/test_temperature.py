from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from shared.errors import AvemotionError
from tests.unit.training.evaluation.scores import LABELS, UNKNOWN, make_scored, untimed
from training.evaluation.calibration import log_probabilities
from training.evaluation.temperature import HIGHEST, LOWEST, fit_temperature, scale


def test_temperature_is_the_best_there_is() -> None:
    """What a bounded search over the likelihood finds is what the root of its slope is."""
    made = make_scored(signal=2)
    truth = np.arange(len(made)), made.truth

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(made.logits / np.exp(log_temperature), axis=-1)[truth].mean())

    searched = minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-8})

    assert fit_temperature(made.logits, made.truth).value == pytest.approx(np.exp(searched.x), rel=1e-3)


@pytest.mark.parametrize("factor", [0.2, 0.5, 3.0, 8.0])
def test_logits_times_a_factor_ask_for_that_factor(factor: float) -> None:
    """Overconfident logits are cooled by what they were multiplied with."""
    made = make_scored(signal=2)
    plain = fit_temperature(made.logits, made.truth)
    scaled = fit_temperature(made.logits * factor, made.truth)

    assert scaled.value == pytest.approx(plain.value * factor, rel=1e-4)
    assert scaled.note is None
    assert scaled.samples == 280


@untimed
@given(
    arrays(np.float32, (40, 3), elements=st.floats(-100, 100, width=32, allow_subnormal=False)),
    arrays(np.int64, 40, elements=st.integers(-1, 2)),
)
def test_temperature_is_bounded_and_changes_no_prediction(
    logits: NDArray[np.float32], truth: NDArray[np.int64]
) -> None:
    """Whatever it is fitted on, it lies between its bounds, lowers the loss, and keeps every argmax."""
    fitted = fit_temperature(logits, truth)

    assert LOWEST <= fitted.value <= HIGHEST
    assert np.array_equal((logits / fitted.value).argmax(-1), logits.argmax(-1))
    known = truth >= 0
    if known.any():
        before, after = (
            -log_probabilities(logits[known], value)[np.arange(known.sum()), truth[known]].mean()
            for value in (1.0, fitted.value)
        )
        assert after <= before + 1e-9


def test_all_right_leaves_the_temperature() -> None:
    """Where every sample is right no temperature is best, and 1 is kept, with the reason."""
    truth = np.arange(70) % 7
    fitted = fit_temperature(np.eye(7, dtype=np.float32)[truth], truth)

    assert fitted.value == 1
    assert fitted.note == "the model is right on all of them"


@pytest.mark.parametrize("count", [0, 1, 19])
def test_few_samples_leave_the_temperature(count: int) -> None:
    """Less than twenty labelled samples change nothing; unlabelled ones do not count."""
    made = make_scored()
    truth = np.where(np.arange(len(made)) < count, made.truth, -1)
    fitted = fit_temperature(made.logits, truth)

    assert fitted == (1.0, count, f"there are only {count} labelled samples")


def test_worse_than_chance_ends_at_the_highest() -> None:
    """A model that is always wrong is cooled as far as allowed."""
    truth = np.arange(70) % 7
    fitted = fit_temperature(-3 * np.eye(7, dtype=np.float32)[truth], truth)

    assert fitted.value == HIGHEST
    assert fitted.note is not None


def test_hardly_sure_ends_at_the_lowest() -> None:
    """Logits that are a thousand times too small are sharpened as far as allowed."""
    made = make_scored(signal=2)
    fitted = fit_temperature(made.logits / 1000, made.truth)

    assert fitted.value == LOWEST
    assert fitted.note is not None


def test_one_class_is_fitted_like_any() -> None:
    """Samples of one class alone have a temperature too."""
    made = make_scored()
    one = made.rows(made.truth == 3)

    assert LOWEST < fit_temperature(one.logits, one.truth).value < HIGHEST


def test_no_fold_is_scaled_by_what_fits_itself() -> None:
    """The temperature of a fold is that of all other folds; what is kept is that of all."""
    made = make_scored()
    scaling = scale(made)

    for fold in range(1, 6):
        others = made.folds != fold
        expected = fit_temperature(made.logits[others], made.truth[others]).value
        assert set(scaling.rows[~others].tolist()) == {expected}
    assert scaling.kept == fit_temperature(made.logits, made.truth)
    assert scaling.basis == "for each fold fitted on the other folds"


def test_without_folds_speakers_are_kept_together() -> None:
    """With one fold, a fifth of the speakers is scaled by what fits the others."""
    made = make_scored(folds=1)
    scaling = scale(made)

    assert len(set(scaling.rows.tolist())) == 5
    for speaker in set(made.speakers):
        rows = [row for row, name in enumerate(made.speakers) if name == speaker]
        assert len(set(scaling.rows[rows].tolist())) == 1
    assert scaling.basis == "for each fifth of the speakers fitted on the others"
    assert "samples" in scale(make_scored(folds=1, speakers=UNKNOWN)).basis


def test_validation_samples_are_used_where_given() -> None:
    """All samples are scaled by what fits the validation samples."""
    made = make_scored()
    validation = make_scored(seed=1, datasets=["other"] * 280)
    scaling = scale(made, validation)

    assert scaling.kept == fit_temperature(validation.logits, validation.truth)
    assert set(scaling.rows.tolist()) == {scaling.kept.value}


def test_tested_samples_cannot_fit_the_temperature() -> None:
    """Validation samples that are tested too, or have other labels, are refused."""
    made = make_scored()

    with pytest.raises(AvemotionError, match="280 are in both, such as clip0000"):
        scale(made, made)
    with pytest.raises(AvemotionError, match="different labels"):
        scale(made, make_scored(labels=LABELS[:3]))

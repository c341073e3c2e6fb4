from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import pearsonr

from tests.unit.training.evaluation.scores import untimed
from training.evaluation.concordance import Array, concordance, correlation, mean_error, moment_columns

pairs = st.integers(2, 30).flatmap(
    lambda count: arrays(np.float32, (2, count), elements=st.floats(-1, 1, width=32))
)


def sums_of(predicted: Array, true: Array) -> Array:
    return np.asarray(moment_columns(predicted.astype(np.float32), true.astype(np.float32)).sum(0))


def test_figures_are_those_of_their_definitions() -> None:
    """CCC follows Lin's formula, correlation is scipy's, and the error is the mean distance."""
    generator = np.random.default_rng(0)
    true = generator.uniform(-1, 1, 50).astype(np.float32)
    predicted = np.clip(0.5 * true + 0.1 + generator.normal(0, 0.2, 50), -1, 1).astype(np.float32)
    sums = sums_of(predicted, true)
    x, y = predicted.astype(float), true.astype(float)
    lin = 2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)

    assert concordance(sums) == pytest.approx(lin)
    assert correlation(sums) == pytest.approx(pearsonr(x, y).statistic)
    assert mean_error(sums) == pytest.approx(np.abs(x - y).mean())


def test_concordance_of_five_values_by_hand() -> None:
    """Values that are all .2 too high: variance .08, covariance .08, so CCC = .16 / (.16 + .04)."""
    true = np.array([-0.4, -0.2, 0.0, 0.2, 0.4])

    assert concordance(sums_of(true + 0.2, true)) == pytest.approx(0.8)
    assert correlation(sums_of(true + 0.2, true)) == pytest.approx(1)


@untimed
@given(pairs)
def test_agreement_is_bounded_and_never_above_correlation(values: Array) -> None:
    """CCC and correlation lie in [-1, 1], and CCC is no larger in size."""
    sums = sums_of(*values)
    ccc, pearson = float(concordance(sums)), float(correlation(sums))
    if not np.isnan(ccc):
        assert abs(ccc) <= 1 + 1e-9
    if not np.isnan(pearson):
        assert abs(ccc) <= abs(pearson) + 1e-6
    assert 0 <= mean_error(sums) <= 2


@untimed
@given(pairs)
def test_which_side_is_true_does_not_matter(values: Array) -> None:
    """Agreement is symmetric."""
    for figure in (concordance, correlation, mean_error):
        np.testing.assert_allclose(
            figure(sums_of(values[0], values[1])), figure(sums_of(values[1], values[0])), atol=1e-9
        )


@pytest.mark.parametrize("count", [9, 1000])
def test_constants_have_no_correlation(count: int) -> None:
    """Against a constant there is no correlation, and two equal constants do not agree by any measure."""
    constant, varied = np.full(count, 0.7), np.linspace(-0.8, 0.8, count)

    assert np.isnan(correlation(sums_of(constant, varied)))
    assert concordance(sums_of(constant, varied)) == pytest.approx(0, abs=1e-9)
    assert np.isnan(concordance(sums_of(constant, constant)))

"""Calibration before and after scaling, with intervals where they mean something."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bootstrap import clusters_of, estimates, resample
from training.evaluation.calibration import (
    brier_scores,
    calibration_error,
    equal_mass_bins,
    equal_width_bins,
    log_probabilities,
    negative_log_likelihoods,
)
from training.evaluation.document import Calibration, Reliability
from training.evaluation.scored import Scored
from training.evaluation.temperature import Temperature


def calibration_of(
    scored: Scored, kept: Temperature, temperatures: NDArray[np.float64], basis: str
) -> Calibration:
    """Return how far confidence can be trusted, before and after scaling.

    Args:
        scored: Labelled samples.
        kept: The temperature for the checkpoint.
        temperatures: What each sample's logits are divided by, (N,).
        basis: What these were fitted on.
    """
    return Calibration(
        temperature=kept.value,
        temperature_samples=kept.samples,
        basis=basis,
        note=kept.note,
        before=_reliability(scored, np.ones(len(scored))),
        after=_reliability(scored, temperatures),
    )


def _reliability(scored: Scored, temperatures: NDArray[np.float64]) -> Reliability:
    log_p = log_probabilities(scored.logits, temperatures)
    losses = [negative_log_likelihoods(log_p, scored.truth), brier_scores(log_p, scored.truth)]
    columns = np.stack([*losses, np.ones(len(scored))], axis=-1)
    sums = resample(columns, clusters_of(scored))
    nll, brier = estimates(sums, lambda values: values[..., :2] / values[..., 2:])
    bins = equal_width_bins(log_p, scored.truth)
    # The ECE gets no interval: drawing samples again raises it by itself.
    return Reliability(
        nll=nll,
        brier=brier,
        ece=calibration_error(bins),
        ece_equal_mass=calibration_error(equal_mass_bins(log_p, scored.truth)),
        bins=bins,
    )

"""Intervals by drawing speakers with replacement (cluster bootstrap).

Clips of one speaker resemble each other, so speakers are drawn, each with all its samples: drawing samples
would pretend to know more than was seen (Davison & Hinkley 1997, section 3.8; Field & Welsh 2007). All
figures here follow from sums over samples, so a draw is one row of a matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.evaluation.document import Estimate
from training.evaluation.scored import Scored

Array = NDArray[np.float64]
Unit = Literal["speakers", "samples", "speakers and samples"]

DRAWS = 2000
SEED = 0
QUANTILES = (0.025, 0.975)
# With fewer the interval is known to be too short (Cameron, Gelbach & Miller 2008).
FEW_CLUSTERS = 20
# Counts of one chunk of draws stay below this.
CHUNK_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which samples are drawn together.

    Attributes:
        index: Cluster of each sample, int64 (N,).
        count: Number of clusters.
        unit: What a cluster is.
        speakers: Number of known speakers.
    """

    index: NDArray[np.int64]
    count: int
    unit: Unit
    speakers: int

    @property
    def caution(self) -> str | None:
        """What a reader must know before trusting the intervals; None if nothing."""
        if self.unit == "samples" and self.speakers == 1:
            return "All samples are of one speaker: the intervals say nothing of other people."
        if self.unit == "samples":
            return (
                "The speakers are not known: samples were drawn instead, and the intervals are too short "
                "where a person is in several of them."
            )
        if self.unit == "speakers and samples":
            return (
                "Some speakers are not known: their samples were drawn one by one, and the intervals are too "
                "short where a person is in several of them."
            )
        if self.count < FEW_CLUSTERS:
            return f"There are only {self.count} speakers: the intervals are rough, and rather too short."
        return None


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over all samples, and over the samples of each draw.

    Attributes:
        total: Over all samples, float64 (...).
        draws: Over each draw's, float64 (draws, ...).
    """

    total: Array
    draws: Array

    def reshaped(self, *shape: int) -> Sums:
        """Return the same sums with other axes behind that of the draws."""
        return Sums(self.total.reshape(shape), self.draws.reshape(len(self.draws), *shape))

    def beside(self, other: Sums) -> Sums:
        """Return both on a new axis behind that of the draws; both must be from the same draws."""
        return Sums(np.stack([self.total, other.total]), np.stack([self.draws, other.draws], axis=1))

    def minus(self, other: Sums) -> Sums:
        """Return what is left without a part of the samples; both must be from the same draws."""
        return Sums(self.total - other.total, self.draws - other.draws)


def clusters_of(scored: Scored) -> Clusters:
    """Return what to draw: speakers where they are known, else samples.

    Samples of one single speaker are drawn one by one, since one cluster varies in nothing. The order of the
    samples does not matter.
    """
    known = {speaker for speaker in scored.speakers if speaker is not None}
    alone = len(known) == 1 and None not in scored.speakers
    members = [
        (key if speaker is None or alone else (speaker,))
        for speaker, key in zip(scored.speakers, scored.keys, strict=True)
    ]
    numbers = {member: number for number, member in enumerate(sorted(set(members)))}
    unit: Unit = "speakers"
    if None in scored.speakers or alone:
        unit = "speakers and samples" if known and not alone else "samples"
    index = np.array([numbers[member] for member in members], np.int64)
    return Clusters(index, len(numbers), unit, len(known))


def resample(columns: Array, clusters: Clusters, *, draws: int = DRAWS, seed: int = SEED) -> Sums:
    """Return sums over all samples and over each of ``draws`` draws of clusters.

    The same clusters, draws and seed give the same draws, whatever the columns: so two models, or a part and
    the whole, can be compared draw by draw.

    Args:
        columns: What is summed, float64 (N, columns).
        clusters: Which of the N samples are drawn together.
        draws: Number of draws.
        seed: Seed of the draws.
    """
    sums = np.zeros((clusters.count, columns.shape[1]))
    np.add.at(sums, clusters.index, columns)
    generator = np.random.default_rng(seed)
    chunk = max(1, CHUNK_BYTES // (8 * clusters.count))
    parts = [
        _counts(generator, min(chunk, draws - start), clusters.count) @ sums
        for start in range(0, draws, chunk)
    ]
    return Sums(sums.sum(0), np.concatenate(parts))


def estimate(sums: Sums, figure: Callable[[Array], Array]) -> Estimate:
    """Return a figure of all samples, with the 95 % percentile interval of the draws."""
    return estimates(sums, lambda values: figure(values)[..., None])[0]


def estimates(sums: Sums, figure: Callable[[Array], Array]) -> list[Estimate]:
    """Return figures (one a label, say) of all samples, each with its interval."""
    return spread(figure(sums.total), figure(sums.draws))


def spread(values: Array, drawn: Array) -> list[Estimate]:
    """Return values (K,) with the intervals of their draws (draws, K), those without a value left out."""
    return [Estimate.of(value, *_interval(column)) for value, column in zip(values, drawn.T, strict=True)]


def _interval(drawn: Array) -> tuple[float, float]:
    known = drawn[np.isfinite(drawn)]
    low, high = np.quantile(known, QUANTILES) if known.size else (np.nan, np.nan)
    return float(low), float(high)


def _counts(generator: np.random.Generator, draws: int, clusters: int) -> Array:
    """Return how often each cluster is in each draw, float64 (draws, clusters)."""
    drawn = generator.integers(clusters, size=(draws, clusters))
    flat = drawn + np.arange(draws)[:, None] * clusters
    return np.bincount(flat.ravel(), minlength=draws * clusters).reshape(draws, clusters).astype(np.float64)

"""What a network should say of a batch, and how much each of it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.datasets.sample import Sample

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Targets:
    """Targets of N windows.

    Attributes:
        emotion: Shares of the labels, (N, labels).
        emotion_weight: How much each counts; 0 without a label, (N,).
        affect: Valence and arousal, (N, 2); 0 where not known.
        affect_weight: 1 where known, else 0, (N, 2).
    """

    emotion: Floats
    emotion_weight: Floats
    affect: Floats
    affect_weight: Floats

    def __len__(self) -> int:
        """Return N."""
        return len(self.emotion)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return them by name."""
        return dict(vars(self))

    def mixed(self, other: NDArray[np.int64], share: float) -> Targets:
        """Return targets of windows that were mixed with others; what one of them lacks is not known."""
        known = self.affect_weight * self.affect_weight[other]
        return Targets(
            self._blend(self.emotion, other, share),
            self._blend(self.emotion_weight, other, share)
            * ((self.emotion_weight > 0) & (self.emotion_weight[other] > 0)),
            self._blend(self.affect, other, share),
            known,
        )

    @staticmethod
    def _blend(values: Floats, other: NDArray[np.int64], share: float) -> Floats:
        blend: Floats = (share * values + (1 - share) * values[other]).astype(np.float32)
        return blend


def targets_of(
    samples: Sequence[Sample], labels: Sequence[str], smoothing: float, class_weights: Mapping[str, float]
) -> Targets:
    """Return the targets of samples.

    Args:
        samples: One a window.
        labels: Of the model.
        smoothing: Share of a label that is spread over all.
        class_weights: Of labels.
    """
    emotion = np.zeros((len(samples), len(labels)), np.float32)
    affect = np.full((len(samples), 2), np.nan, np.float32)
    for row, sample in enumerate(samples):
        for label, share in (sample.emotions or {}).items():
            emotion[row, labels.index(label)] = share
        affect[row] = (_number(sample.valence), _number(sample.arousal))
    known = emotion.sum(axis=1) > 0
    weights = emotion @ np.array([class_weights.get(label, 1.0) for label in labels], np.float32)
    smoothed = emotion * (1 - smoothing) + smoothing / len(labels)
    return Targets(
        np.where(known[:, None], smoothed, 0).astype(np.float32),
        np.where(known, weights, 0).astype(np.float32),
        np.nan_to_num(affect),
        np.isfinite(affect).astype(np.float32),
    )


def class_weights_of(samples: Iterable[Sample], balance: float) -> dict[str, float]:
    """Return a weight a label, its frequency to the power of ``-balance``, 1 on average over the samples."""
    counts: Counter[str] = Counter()
    for sample in samples:
        counts.update(sample.emotions or {})
    raw = {label: count**-balance for label, count in counts.items() if count > 0}
    mean = sum(raw[label] * counts[label] for label in raw) / max(sum(counts.values()), 1e-9)
    return {label: value / mean for label, value in raw.items()}


def _number(value: float | None) -> float:
    return float("nan") if value is None else value

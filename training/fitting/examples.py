"""What a phase draws: windows of samples, and which voice goes with which face."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from shared.errors import AvemotionError, ErrorCode
from training.datasets.sample import Sample
from training.features.cache import FeatureCache
from training.features.sample_features import SampleFeatures
from training.fitting.recipe import Phase
from training.fitting.windows import has_face, has_voice, windows_in

# Features are kept in memory up to this; beyond, they are read each time.
_MOST_BYTES = 6 * 2**30


@dataclass(frozen=True)
class Example:
    """One window of a sample.

    Attributes:
        sample: Whose.
        segment: Number of the segment.
        place: Of the window in the segment.
        weight: How often it is drawn, relative to the others.
    """

    sample: Sample
    segment: int
    place: int
    weight: float = 1.0


class Library:
    """Features of samples, in memory as far as they fit."""

    def __init__(self, cache: FeatureCache, most_bytes: int = _MOST_BYTES) -> None:
        """Read from a cache that is filled."""
        self._cache = cache
        self._most_bytes = self._left = most_bytes
        self._kept: dict[tuple[str, str], SampleFeatures] = {}

    def for_config(self, config: ModelConfig) -> Library:
        """Return the same features as another model takes them: other columns of the face table, say."""
        return Library(replace(self._cache, config=config), self._most_bytes)

    def features(self, sample: Sample) -> SampleFeatures:
        """Return the features of a sample."""
        key = (sample.dataset, sample.id)
        found = self._kept.get(key)
        if found is None:
            found = self._cache.read(sample)
            size = sum(map(_bytes, found.segments))
            if size <= self._left:
                self._left -= size
                self._kept[key] = found
        return found


def _bytes(segment: SampleFeatures) -> int:
    sound = 0 if segment.sound is None else segment.sound.log_mel.nbytes + segment.sound.mfcc.nbytes
    series = 0 if segment.seen.series is None else segment.seen.series.nbytes
    table = 0 if segment.table is None else segment.table.values.nbytes
    return segment.seen.crops.nbytes + sound + series + table


def examples_of(
    samples: Sequence[Sample], library: Library, draw: str, weights: Mapping[str, float]
) -> list[Example]:
    """Return the windows of samples that have what a phase draws.

    Args:
        samples: With labels, or with valence and arousal.
        library: Their features.
        draw: ``clips`` for windows with a face or a voice, ``faces`` or ``voices`` for those that have it.
        weights: Of data sets, how much each counts in all; 1 a window for those that are not named.

    Raises:
        AvemotionError: ``INVALID_RECIPE`` where no window is left.
    """
    found: list[Example] = []
    for sample in samples:
        features = library.features(sample)
        for number, place in windows_in(features):
            segment = features.segments[number]
            face = draw != "voices" and has_face(segment, place)
            voice = draw != "faces" and has_voice(segment, place)
            if face or voice:
                found.append(Example(sample, number, place))
    if not found:
        raise AvemotionError(ErrorCode.INVALID_RECIPE, f"No sample has what is drawn: {draw}.")
    counts: dict[str, int] = defaultdict(int)
    for example in found:
        counts[example.sample.dataset] += 1
    total = sum(weights.values())
    return [
        Example(
            example.sample,
            example.segment,
            example.place,
            weights[example.sample.dataset] / total / counts[example.sample.dataset] * len(found)
            if example.sample.dataset in weights
            else 1.0,
        )
        for example in found
    ]


def order_of(examples: Sequence[Example], phase: Phase, seed: Sequence[int]) -> NDArray[np.int64]:
    """Return which examples an epoch takes, in order; the same for the same seed.

    Each once where all weigh the same and no number is asked for; else so many are drawn by their weights,
    with as few repeats as that allows.
    """
    generator = np.random.default_rng([*seed])
    count = phase.samples_per_epoch or len(examples)
    weights = np.array([example.weight for example in examples])
    if np.ptp(weights) == 0:
        rounds = -(-count // len(examples))
        return np.concatenate([generator.permutation(len(examples)) for _ in range(rounds)])[:count]
    # Systematic sampling: each example as often as its share says, rounded up or down by chance.
    ends = np.cumsum(weights / weights.sum() * count)
    drawn = np.searchsorted(ends, np.arange(count) + generator.random(), side="right")
    return generator.permutation(np.minimum(drawn, len(examples) - 1))


class Voices:
    """Voices to go with faces: by class, or any.

    Attributes:
        examples: All of them.
    """

    def __init__(self, examples: Sequence[Example]) -> None:
        """Take windows with a voice and a label."""
        self.examples = list(examples)
        self._by_class: dict[str, list[Example]] = defaultdict(list)
        for example in examples:
            for emotion, share in (example.sample.emotions or {}).items():
                if share > 0:
                    self._by_class[emotion].append(example)

    def draw(self, face: Sample, agreement: float, generator: np.random.Generator) -> Example:
        """Return a voice for a face: one of its class as often as ``agreement`` says, else any."""
        emotions = [*(face.emotions or {})]
        pool = self.examples
        if emotions and generator.random() < agreement:
            emotion = emotions[generator.integers(len(emotions))]
            pool = self._by_class.get(emotion) or self.examples
        return pool[generator.integers(len(pool))]

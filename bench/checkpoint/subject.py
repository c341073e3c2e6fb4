"""The checkpoint that is measured, as a worker serves it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.checkpoint.figures import complete
from shared.catalog import ModelCard
from shared.catalog.reading import read_card
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from training.datasets.sample import Sample
from training.evaluation.scored import Scored
from training.features.cache import FeatureCache
from training.features.extraction import features_of
from training.features.sample_features import SampleFeatures
from training.fitting.examples import Library
from training.fitting.scoring import BOTH, Arrays, Predict, Scores, score
from worker.faces import load_analyzer
from worker.faces.analyzer import FaceAnalyzer
from worker.media.sandbox import no_checkpoint
from worker.model.engine import Engine
from worker.model.hardware import available_cores

ANALYZER = "landmarker"
Outputs = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
Tell = Callable[[str], None]


class Prepared(Library):
    """Features that were made here, under the key of their sample."""

    def __init__(self, features: Mapping[tuple[str, str], SampleFeatures]) -> None:
        """Keep the features, by data set and id."""
        self._prepared = features

    def features(self, sample: Sample) -> SampleFeatures:
        """Return the features of a sample."""
        return self._prepared[sample.dataset, sample.id]


@dataclass(frozen=True)
class Subject:
    """A model and what brings samples to it.

    Attributes:
        card: Of the model.
        predict: The worker's engine: probabilities are already scaled by the card's temperature.
        settings: As serving has them.
        cache: Folder of features that are made once.
        tell: Told what is being done.
    """

    card: ModelCard
    predict: Predict
    settings: Settings
    cache: Path
    tell: Tell

    @cached_property
    def analyzer(self) -> FaceAnalyzer:
        """What sees the faces."""
        return load_analyzer(ANALYZER, self.settings)

    def library(self, samples: Sequence[Sample]) -> Library:
        """Return features from the cache, once those that are missing are made.

        Raises:
            AvemotionError: Features of a sample cannot be made.
        """
        cache = FeatureCache.open(self.cache, self.card, self.settings, ANALYZER)
        for failure in cache.fill(samples, processes=available_cores()):
            raise AvemotionError(failure.code, f"{failure.dataset}/{failure.sample_id}: {failure.message}")
        return Library(cache)

    def features(self, sample: Sample, card: ModelCard | None = None) -> SampleFeatures:
        """Return the features of a sample, made now; of another framing where another card is given."""
        return features_of(sample, card or self.card, self.settings, self.analyzer, no_checkpoint)

    def prepare(self, samples: Iterable[Sample]) -> Prepared:
        """Return the features of samples, made now."""
        return Prepared({(sample.dataset, sample.id): self.features(sample) for sample in samples})

    def score(
        self, samples: Sequence[Sample], library: Library, modalities: Collection[int] = BOTH
    ) -> Scores:
        """Return what the model says of samples, with some modalities hidden."""
        return score(self.predict, samples, library, self.card, modalities=modalities)

    def score_all(
        self, samples: Sequence[Sample], library: Library, modalities: Collection[int] = BOTH
    ) -> Scored:
        """Return the same with ``NOTHING`` where the model cannot say anything."""
        return self.completed(self.score(samples, library, modalities), samples)

    def completed(self, scores: Scores, samples: Sequence[Sample]) -> Scored:
        """Return scores of all samples, with ``NOTHING`` where there is none."""
        return complete(scores, samples, self.card.labels)


def load_card(folder: Path) -> ModelCard:
    """Return the card of a model's folder.

    Raises:
        AvemotionError: ``INVALID_REQUEST``: the folder holds no model.
    """
    try:
        return read_card(folder.absolute())
    except ValueError as error:
        raise AvemotionError(ErrorCode.INVALID_REQUEST, f"{folder} holds no model. {error}") from error


def load_predict(card: ModelCard) -> Predict:
    """Return the engine of a card as a function.

    Raises:
        AvemotionError: See ``Engine.load``.
    """
    return predict_with(Engine.load(card))


def predict_with(engine: Engine) -> Predict:
    """Return an engine as a function."""

    def predict(inputs: Arrays) -> Outputs:
        said = engine.predict(inputs)
        return said.probabilities, said.valence, said.arousal

    return predict

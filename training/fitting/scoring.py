"""What a network says of whole samples: their windows, weighed as serving weighs them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from training.datasets.sample import Sample
from training.evaluation.scored import NO_TRUTH, Scored
from training.features.fusing import fused
from training.fitting.examples import Library
from worker.conclusion import LEAST_WEIGHT
from worker.fusion.layouts import AUDIO, VIDEO

Arrays = dict[str, NDArray[Any]]
# From the model's inputs to probabilities (N, labels), valence (N,) and arousal (N,).
Predict = Callable[[Arrays], tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]]

_WINDOWS_AT_A_TIME = 64
_LEAST_PROBABILITY = 1e-9
BOTH = frozenset({AUDIO, VIDEO})


@dataclass(frozen=True, eq=False)
class Scores:
    """What was said of samples.

    Attributes:
        scored: Of those that show a face or hold a voice.
        unscored: Those that do neither, as ``dataset/id``: serving fails on them with a typed error.
    """

    scored: Scored
    unscored: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Windows:
    """The windows of one sample that can be scored."""

    sample: Sample
    inputs: Arrays
    weights: NDArray[np.float64]


def score(
    predict: Predict,
    samples: Sequence[Sample],
    library: Library,
    config: ModelConfig,
    *,
    modalities: Collection[int] = BOTH,
) -> Scores:
    """Return what a model says of samples.

    Args:
        predict: The model.
        samples: With or without labels.
        library: Their features.
        config: Of the model.
        modalities: ``layouts.AUDIO``, ``layouts.VIDEO`` or both: the others are hidden.
    """
    rows, unscored = [], []
    for sample, outputs in _predicted(predict, samples, library, config, modalities):
        if outputs is None:
            unscored.append(f"{sample.dataset}/{sample.id}")
        else:
            rows.append((sample, *outputs))
    found = [row[0] for row in rows]
    labels = config.labels
    logits = np.array([row[1] for row in rows], np.float32).reshape(-1, len(labels))
    return Scores(
        Scored(
            labels=labels,
            samples=tuple(sample.id for sample in found),
            datasets=tuple(sample.dataset for sample in found),
            speakers=tuple(sample.speaker for sample in found),
            folds=np.array([sample.fold or 0 for sample in found], np.int64),
            truth=np.array([_truth(sample, labels) for sample in found], np.int64),
            logits=logits,
            valence=np.array([row[2] for row in rows], np.float32),
            arousal=np.array([row[3] for row in rows], np.float32),
            true_valence=np.array([_number(sample.valence) for sample in found], np.float32),
            true_arousal=np.array([_number(sample.arousal) for sample in found], np.float32),
            affect_sources=tuple(sample.affect_source for sample in found),
        ),
        tuple(unscored),
    )


def _predicted(
    predict: Predict,
    samples: Sequence[Sample],
    library: Library,
    config: ModelConfig,
    modalities: Collection[int],
) -> Iterator[tuple[Sample, tuple[NDArray[np.float32], float, float] | None]]:
    """Yield each sample with log-probabilities, valence and arousal; None where nothing can be said."""
    waiting: list[_Windows] = []
    for sample in samples:
        waiting.append(_windows_of(sample, library, config, modalities))
        if sum(len(each.weights) for each in waiting) >= _WINDOWS_AT_A_TIME:
            yield from _summarised(predict, waiting)
            waiting = []
    yield from _summarised(predict, waiting)


def _windows_of(
    sample: Sample, library: Library, config: ModelConfig, modalities: Collection[int]
) -> _Windows:
    features = library.features(sample)
    windows = fused(features, config)
    present = windows.inputs["present"].copy()
    for column in BOTH - set(modalities):
        present[:, column] = 0
    activity = np.concatenate([segment.activity for segment in features.segments])
    weights = np.maximum.reduce(
        [
            windows.face_coverage * present[:, VIDEO],
            activity * present[:, AUDIO],
            np.full(len(present), LEAST_WEIGHT),
        ]
    )
    kept = present.any(axis=1)
    inputs = {name: array[kept] for name, array in {**windows.inputs, "present": present}.items()}
    return _Windows(sample, inputs, weights[kept].astype(np.float64))


def _summarised(
    predict: Predict, waiting: Sequence[_Windows]
) -> Iterator[tuple[Sample, tuple[NDArray[np.float32], float, float] | None]]:
    counts = [len(each.weights) for each in waiting]
    if not sum(counts):
        yield from ((each.sample, None) for each in waiting)
        return
    joined = {name: np.concatenate([each.inputs[name] for each in waiting]) for name in waiting[0].inputs}
    outputs = predict(joined)
    ends = np.cumsum(counts)
    for each, start, end in zip(waiting, ends - counts, ends, strict=True):
        if start == end:
            yield each.sample, None
            continue
        shares = each.weights / each.weights.sum()
        probabilities, valence, arousal = (shares @ output[start:end] for output in outputs)
        logits = np.log(np.maximum(probabilities, _LEAST_PROBABILITY)).astype(np.float32)
        yield each.sample, (logits, float(valence), float(arousal))


def _truth(sample: Sample, labels: Sequence[str]) -> int:
    """Return the label with the largest share; -1 without one, or where two share it."""
    shares = sample.emotions or {}
    top = [label for label, share in shares.items() if share == max(shares.values())]
    return labels.index(top[0]) if len(top) == 1 else NO_TRUTH


def _number(value: float | None) -> float:
    return float("nan") if value is None else value

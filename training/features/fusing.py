"""From features to the model's inputs, by the functions of serving's fusion stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from training.features.sample_features import SampleFeatures
from worker.fusion import FUSIONS, FusedWindows, Heard
from worker.fusion.segment import heard_in

Scalar = TypeVar("Scalar", bound=np.generic)


def fused(features: SampleFeatures, config: ModelConfig) -> FusedWindows:
    """Return the windows of a sample as its model takes them: what serving's fusion stage stores.

    Args:
        features: Of the sample.
        config: Of the model; of that for which the features were made, or one that differs in fusion,
            layout and labels alone.

    Raises:
        ValueError: The features are not those of such a configuration.
    """
    parts = [FUSIONS[config.fusion](part.seen, heard(part, config), config) for part in features.segments]
    return _joined(parts)


def heard(segment: SampleFeatures, config: ModelConfig) -> Heard:
    """Return what a model takes of one segment's sound."""
    return heard_in(segment.windows, None if segment.silent else segment.sound, segment.activity, config)


def paired(face: SampleFeatures, voice: SampleFeatures, config: ModelConfig) -> FusedWindows:
    """Return the windows of one sample's picture with the sound of another's.

    Window k of the picture has the sound of window k mod n, where n is how many the other sample has: a
    face and a voice of one class, but not of one person.

    Args:
        face: Whose pictures are seen.
        voice: Whose sound is heard.
        config: Of the model.

    Raises:
        ValueError: The features are not those of such a configuration.
    """
    whole = _chained([heard(part, config) for part in voice.segments])
    parts, first = [], 0
    for part in face.segments:
        windows = np.arange(first, first + len(part.windows)) % len(whole.voiced)
        parts.append(FUSIONS[config.fusion](part.seen, _picked(whole, windows), config))
        first += len(part.windows)
    return _joined(parts)


def _picked(heard: Heard, windows: NDArray[np.int64]) -> Heard:
    """Return the sound of some windows."""
    return Heard(
        None if heard.images is None else heard.images[windows],
        heard.voiced[windows],
        None if heard.log_mel is None else heard.log_mel[windows],
    )


def _chained(parts: Sequence[Heard]) -> Heard:
    """Return the sound of segments that follow each other; a silent one is black, and has no voice."""
    voiced = np.concatenate([part.voiced for part in parts])
    images = _filled([part.images for part in parts], parts)
    return Heard(images, voiced, _filled([part.log_mel for part in parts], parts))


def _filled(arrays: Sequence[NDArray[Scalar] | None], parts: Sequence[Heard]) -> NDArray[Scalar] | None:
    """Return arrays as one, with zeros for the windows of those that are not there; None if none is."""
    known = next((array for array in arrays if array is not None), None)
    if known is None:
        return None
    shape = known.shape[1:]
    return np.concatenate(
        [
            np.zeros((len(part.voiced), *shape), known.dtype) if array is None else array
            for array, part in zip(arrays, parts, strict=True)
        ]
    )


def _joined(parts: Sequence[FusedWindows]) -> FusedWindows:
    """Return the windows of segments that follow each other."""
    if len(parts) == 1:
        return parts[0]
    return FusedWindows(
        {name: np.concatenate([part.inputs[name] for part in parts]) for name in parts[0].inputs},
        [modalities for part in parts for modalities in part.modalities],
        np.concatenate([part.face_coverage for part in parts]),
        np.concatenate([part.shown for part in parts]),
    )

"""Batches of training: the same for the same seed, whenever they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from training.datasets.sample import Sample
from training.features.fusing import fused, paired
from training.features.sample_features import SampleFeatures
from training.fitting.examples import Example, Library, Voices, order_of
from training.fitting.measures import augment_series, mirror_series
from training.fitting.parts import part_of_inputs
from training.fitting.pictures import augment_pictures
from training.fitting.recipe import Phase
from training.fitting.sounds import augment_sound, only_noise
from training.fitting.targets import Targets, targets_of
from training.fitting.windows import cut
from worker.fusion import Seen
from worker.fusion.layouts import AUDIO, VIDEO
from worker.model.networks.network import Part

Arrays = dict[str, NDArray[Any]]
Batch = tuple[Arrays, Arrays]

_HIDDEN = {"faces": AUDIO, "voices": VIDEO}


@dataclass(frozen=True)
class Drawing:
    """What a phase draws its batches from.

    Attributes:
        config: Of the model.
        phase: How they are drawn and changed.
        library: Features of the samples.
        examples: Windows of faces or clips.
        voices: For pairs, the voices; else None.
        class_weights: Of labels, 1 on average over what is drawn.
        seed: Of the recipe, the phase and the fold.
        part: What of its inputs the network is given.
        single_frames: Whether one frame stands for a tubelet.
    """

    config: ModelConfig
    phase: Phase
    library: Library
    examples: Sequence[Example]
    voices: Voices | None
    class_weights: Mapping[str, float]
    seed: tuple[int, ...]
    part: Part | None
    single_frames: bool

    @property
    def batches_per_epoch(self) -> int:
        """Return how many batches an epoch has; what does not fill the last is left out."""
        count = self.phase.samples_per_epoch or len(self.examples)
        return max(1, count // self.phase.batch)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras ships no types
    """The batches of a phase, an epoch after the other."""

    def __init__(self, drawing: Drawing, first_epoch: int = 0) -> None:
        """Begin with an epoch, counted from 0."""
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self.drawing = drawing
        self._begin(first_epoch)

    def __len__(self) -> int:
        """Return how many batches an epoch has."""
        return self.drawing.batches_per_epoch

    def __getitem__(self, index: int) -> Batch:
        """Return inputs and targets of a batch."""
        size = min(self.drawing.phase.batch, len(self._order))
        return make_batch(
            self.drawing,
            [self.drawing.examples[place] for place in self._order[index * size : (index + 1) * size]],
            np.random.default_rng([*self.drawing.seed, self._epoch, index]),
        )

    def on_epoch_end(self) -> None:
        """Go on to the next epoch."""
        self._begin(self._epoch + 1)

    def _begin(self, epoch: int) -> None:
        self._epoch = epoch
        self._order = order_of(self.drawing.examples, self.drawing.phase, (*self.drawing.seed, epoch))


def make_batch(drawing: Drawing, examples: Sequence[Example], generator: np.random.Generator) -> Batch:
    """Return inputs and targets of some examples, changed by chance as the phase says."""
    phase, config = drawing.phase, drawing.config
    drawn = [_drawn(drawing, example, generator) for example in examples]
    rows = [inputs for inputs, _ in drawn]
    inputs = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    targets = targets_of(
        [sample for _, sample in drawn], config.labels, phase.label_smoothing, drawing.class_weights
    )
    if phase.mixup > 0:
        inputs, targets = _mixed(inputs, targets, phase.mixup, generator)
    return inputs, targets.arrays()


def _drawn(drawing: Drawing, example: Example, generator: np.random.Generator) -> tuple[Arrays, Sample]:
    """Return the model's inputs for one window, each with a first axis of 1, and whose label counts."""
    if drawing.voices is not None:
        return _paired(drawing, drawing.voices, example, generator)
    inputs = _of_one(drawing, example, generator, _HIDDEN.get(drawing.phase.draw))
    if drawing.part is not None:
        inputs = part_of_inputs(inputs, drawing.config, drawing.part, single_frames=drawing.single_frames)
    return inputs, example.sample


def _paired(
    drawing: Drawing, voices: Voices, face: Example, generator: np.random.Generator
) -> tuple[Arrays, Sample]:
    """Return the inputs for a face with another's voice, or for one of the two alone."""
    phase = drawing.phase
    if generator.random() < phase.pair_alone:
        hidden = (AUDIO, VIDEO)[generator.integers(2)]
        example = face if hidden == AUDIO else voices.draw(face.sample, 0.0, generator)
        return _of_one(drawing, example, generator, hidden), example.sample
    seen = _seen_otherwise(_window(drawing, face), drawing, generator)
    heard = _window(drawing, voices.draw(face.sample, phase.pair_agreement, generator))
    if heard.sound is not None and generator.random() < phase.pair_noise:
        heard = replace(heard, sound=only_noise(heard.sound, generator))
    return paired(seen, _heard_otherwise(heard, phase, generator), drawing.config).inputs, face.sample


def _of_one(drawing: Drawing, example: Example, generator: np.random.Generator, hidden: int | None) -> Arrays:
    """Return the inputs for one sample, without the modality that is hidden."""
    window = _window(drawing, example)
    if hidden != VIDEO:
        window = _seen_otherwise(window, drawing, generator)
    if hidden == AUDIO:
        window = replace(window, sound=None)
    window = _heard_otherwise(window, drawing.phase, generator)
    inputs = fused(window, drawing.config).inputs
    if hidden is not None:
        inputs["present"][:, hidden] = 0
    return inputs


def _window(drawing: Drawing, example: Example) -> SampleFeatures:
    return cut(drawing.library.features(example.sample).segments[example.segment], example.place)


def _seen_otherwise(
    window: SampleFeatures, drawing: Drawing, generator: np.random.Generator
) -> SampleFeatures:
    """Return a window whose picture is changed: mirrored in half of the cases, and augmented."""
    seen, amount = window.seen, drawing.phase.augmentation
    if not len(seen.crops):
        return window
    rows, crops, found, series = seen.rows, seen.crops, seen.found, seen.series
    if amount.motion > 0 and len(crops) == 1:
        count = rows.shape[1]
        crops, found = np.repeat(crops, count, axis=0), np.repeat(found, count)
        rows = np.arange(count)[None]
    mirrored = amount.pictures > 0 and generator.random() < 0.5  # noqa: PLR2004 - a coin
    if mirrored:
        crops = np.ascontiguousarray(crops[:, :, ::-1])
    crops = augment_pictures(
        crops, generator, strength=amount.pictures, motion=amount.motion, camera=amount.camera
    )
    columns = drawing.config.series.columns if drawing.config.series else ()
    if series is not None:
        if mirrored:
            series = mirror_series(series, columns)
        if amount.pictures > 0:
            series = augment_series(series[0], columns, generator, dropout=amount.series_dropout)[None]
    return replace(window, seen=Seen(crops, found, rows, series))


def _heard_otherwise(window: SampleFeatures, phase: Phase, generator: np.random.Generator) -> SampleFeatures:
    if window.sound is None:
        return replace(window, silent=True)
    sound = augment_sound(window.sound, generator, strength=phase.augmentation.sound)
    return replace(window, sound=sound)


def _mixed(
    inputs: Arrays, targets: Targets, alpha: float, generator: np.random.Generator
) -> tuple[Arrays, Targets]:
    """Return each example mixed with another of the batch (mixup, Zhang et al. 2018).

    Only with one that has the same modalities: half a face is not half seen.
    """
    share = float(generator.beta(alpha, alpha))
    share = max(share, 1 - share)
    other = generator.permutation(len(targets))
    other = np.where(
        (inputs["present"] == inputs["present"][other]).all(axis=1), other, np.arange(len(other))
    )
    mixed: Arrays = {}
    for name, array in inputs.items():
        if name == "present":
            mixed[name] = array
            continue
        blend = share * array.astype(np.float32) + (1 - share) * array[other].astype(np.float32)
        mixed[name] = blend.round().astype(array.dtype) if array.dtype == np.uint8 else blend
    return mixed, targets.mixed(other, share)

"""One phase of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from shared.errors import AvemotionError, ErrorCode
from training.datasets.sample import Sample
from training.evaluation.scored import Scored
from training.fitting.batches import Batches, Drawing
from training.fitting.examples import Example, Library, Voices, examples_of
from training.fitting.log import Log
from training.fitting.optimizer import make_optimizer
from training.fitting.parts import part_for, part_of_inputs
from training.fitting.recipe import Phase
from training.fitting.scoring import Arrays, Predict, score
from training.fitting.state import Place, restore
from training.fitting.targets import class_weights_of
from training.fitting.trainee import Trainee, freeze
from training.fitting.watch import Step, Watch
from worker.fusion.layouts import AUDIO, VIDEO
from worker.model.compiled import compile_forward
from worker.model.networks import Network
from worker.model.networks.network import Part
from worker.model.presets import PRESETS

_BATCH = 64
# What a draw leaves without anything to learn from.
_IDLE = {
    "faces": ("audio_patches", "audio_backbone", "audio_projection", "audio_emotion", "audio_affect"),
    "voices": ("face_series", "video_backbone", "video_projection", "video_emotion", "video_affect"),
}


@dataclass(frozen=True)
class Stretch:
    """A phase with all that it needs.

    Attributes:
        config: Of the model.
        phase: Of the recipe.
        number: Of the phase, from 0.
        library: Features of all samples.
        training: Samples to train on.
        validation: Samples to look at after each epoch; may be none.
        weights: Of data sets, how much each is drawn.
        seed: Of recipe and fold.
        folder: Of the training.
        fingerprint: See ``Place``.
    """

    config: ModelConfig
    phase: Phase
    number: int
    library: Library
    training: Sequence[Sample]
    validation: Sequence[Sample]
    weights: Mapping[str, float]
    seed: tuple[int, ...]
    folder: Path
    fingerprint: str


def fit(
    stretch: Stretch,
    network: Network,
    log: Log,
    tell: Callable[[Step], None],
    resumed: tuple[Place, Mapping[str, Any]] | None = None,
) -> None:
    """Train a network through a phase; it then has the weights that the phase ends with.

    Args:
        stretch: The phase.
        network: With the weights that the phase before has left.
        log: Gets a row an epoch.
        tell: Is told of each batch.
        resumed: Place and arrays of the state to go on from, of this very phase.

    Raises:
        AvemotionError: ``INVALID_RECIPE`` where nothing can be drawn or learned; ``TRAINING_FAILED`` where
            the loss is no number or the state cannot be kept.
    """
    phase = stretch.phase
    idle = _IDLE.get(phase.draw, ())
    if not freeze(network, (*phase.frozen, *idle)):
        raise AvemotionError(ErrorCode.INVALID_RECIPE, f"Phase {phase.name} freezes all that could learn.")
    drawing = _drawing(stretch)
    trainee = Trainee(network, drawing.part, phase.affect_weight)
    depth = PRESETS[stretch.config.preset].depth
    optimizer = make_optimizer(phase, drawing.batches_per_epoch, depth)
    optimizer.build(trainee.trainable_variables)
    # XLA makes a processor slower; JAX compiles whatever is said here.
    trainee.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
    first = 0
    if resumed is not None:
        place, arrays = resumed
        restore(arrays, network, optimizer)
        first = place.epoch
    batches = Batches(drawing, first)
    look = _validator(stretch, network, drawing.part)
    place = Place(stretch.number, first, stretch.fingerprint)
    watch = Watch(batches, stretch.folder, place, validate=look, tell=tell, log_row=log.add)
    if first < phase.epochs:
        # Keras would shuffle the batches by chance of its own, which no state keeps.
        trainee.fit(
            batches, epochs=phase.epochs, initial_epoch=first, shuffle=False, verbose=0, callbacks=[watch]
        )
    elif phase.ema > 0:
        # Ended between its last epoch and its end: what `fit` does last is still to do.
        optimizer.finalize_variable_values(trainee.trainable_variables)
    freeze(network, ())


def _drawing(stretch: Stretch) -> Drawing:
    phase, config = stretch.phase, stretch.config
    faces = "faces" if phase.draw == "pairs" else phase.draw
    examples = examples_of(stretch.training, stretch.library, faces, stretch.weights)
    voices = None
    if phase.draw == "pairs":
        voices = Voices(examples_of(stretch.training, stretch.library, "voices", {}))
    drawn: list[Sample] = [example.sample for example in _unique(examples)]
    return Drawing(
        config=config,
        phase=phase,
        library=stretch.library,
        examples=examples,
        voices=voices,
        class_weights=class_weights_of(drawn, phase.class_balance),
        seed=(*stretch.seed, stretch.number),
        part=part_for(config, phase.draw, phase.tubelets),
        single_frames=_single_frames(stretch),
    )


def _unique(examples: Sequence[Example]) -> list[Example]:
    return list({(example.sample.dataset, example.sample.id): example for example in examples}.values())


def _validator(stretch: Stretch, network: Network, part: Part | None) -> Callable[[], dict[str, float]]:
    """Return a function that looks how well the network does on the validation samples."""
    wanted = {"faces": (VIDEO,), "voices": (AUDIO,)}.get(stretch.phase.draw, (AUDIO, VIDEO))
    predict = predictor(network, part, single_frames=_single_frames(stretch))

    def look() -> dict[str, float]:
        if not stretch.validation:
            return {}
        scored = score(predict, stretch.validation, stretch.library, stretch.config, modalities=wanted).scored
        return quick_figures(scored)

    return look


def _single_frames(stretch: Stretch) -> bool:
    """Tell whether one frame stands for a tubelet: a stem of convolutions takes it as two of a kind."""
    return stretch.phase.tubelets == 1 and PRESETS[stretch.config.preset].stem == "convolutional"


def quick_figures(scored: Scored) -> dict[str, float]:
    """Return loss, WAR and UAR over labelled samples; nothing without any."""
    rows = scored.truth >= 0
    if not rows.any():
        return {}
    truth, logits = scored.truth[rows], scored.logits[rows]
    hits = logits.argmax(axis=1) == truth
    classes = np.unique(truth)
    return {
        "validation_loss": round(float(-logits[np.arange(len(truth)), truth].mean()), 5),
        "validation_war": round(float(hits.mean()), 5),
        "validation_uar": round(float(np.mean([hits[truth == label].mean() for label in classes])), 5),
    }


def predictor(network: Network, part: Part | None = None, *, single_frames: bool = False) -> Predict:
    """Return the network as a function of inputs; it reads the weights anew at each call."""

    def answer(inputs: Mapping[str, Any]) -> dict[str, Any]:
        outputs = dict(network(inputs, training=False, part=part))
        return {"probabilities": keras.ops.softmax(outputs.pop("logits")), **outputs}

    forward = compile_forward(answer, model=network)

    def predict(inputs: Arrays) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        if part is not None:
            inputs = part_of_inputs(inputs, network.config, part, single_frames=single_frames)
        count = len(inputs["present"])
        # Full batches only: each other size would be traced by itself.
        padded = {
            name: np.concatenate([array, np.zeros((-count % _BATCH, *array.shape[1:]), array.dtype)])
            for name, array in inputs.items()
        }
        parts = [
            forward({name: array[start : start + _BATCH] for name, array in padded.items()})
            for start in range(0, count, _BATCH)
        ]
        joined = [
            np.concatenate([np.asarray(part[name]) for part in parts])[:count]
            for name in ("probabilities", "valence", "arousal")
        ]
        return joined[0], joined[1], joined[2]

    return predict

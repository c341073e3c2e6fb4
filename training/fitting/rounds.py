"""One round of a training: all phases of the recipe, gone on with where it was left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from shared.outputs import make_folder
from training.datasets.sample import Sample
from training.fitting.log import Log
from training.fitting.materials import Division, Materials
from training.fitting.phase import Stretch, fit
from training.fitting.recipe import Recipe
from training.fitting.start import Start
from training.fitting.state import Place, read_state, restore, save_state
from training.fitting.watch import Step
from worker.model.networks import Network, build_network
from worker.model.presets import PRESETS
from worker.model.weights import initialise


def new_network(recipe: Recipe, start: Start, modality_dropout: float = 0.0) -> Network:
    """Return a network before its training.

    Raises:
        AvemotionError: See ``Start.fill``.
    """
    keras.utils.set_random_seed(recipe.seed)
    network = build_network(
        recipe.config,
        PRESETS[recipe.config.preset],
        dtype=recipe.precision,
        drop_path=recipe.drop_path,
        modality_dropout=modality_dropout,
    )
    initialise(network, recipe.seed)
    start.fill(network)
    return network


def check_start(recipe: Recipe, start: Start) -> None:
    """Find out whether weights can be used, before features are made for hours.

    Raises:
        AvemotionError: See ``Start.fill``.
    """
    # A model's labels are compared with those of data sets that were read.
    if start.digest is not None and (recipe.labels or not start.is_model):
        new_network(recipe, start)


def fit_round(
    materials: Materials,
    division: Division,
    start: Start,
    folder: Path,
    tell: Callable[[Step], None],
) -> tuple[Network, list[dict[str, Any]]]:
    """Train a network through all phases.

    A phase that began with the same weights on the same samples before, in this round or in another, is not
    trained again: its end is kept beside the rounds.

    Args:
        materials: What is trained on.
        division: Who is trained on in this round.
        start: What the network starts from.
        folder: Of the training; each round has its own in it.
        tell: Is told of each batch.

    Returns:
        The network, and the rows of its log.

    Raises:
        AvemotionError: See ``fit`` and ``new_network``.
    """
    recipe = materials.recipe
    place = folder / division.name.replace(" ", "-")
    make_folder(place)
    network = new_network(recipe, start)
    prints = fingerprints(materials, division, start)
    done = _done(folder, prints, network)
    resumed = _resumable(place, prints, done)
    names = [phase.name for phase in recipe.phases]
    log = Log(place, _keeps(names, done, resumed))
    for number in range(done, len(recipe.phases)):
        phase = recipe.phases[number]
        network.modality_dropout.rate = phase.modality_dropout
        stretch = Stretch(
            config=recipe.config,
            phase=phase,
            number=number,
            library=materials.library,
            training=materials.of_phase(phase, division.training),
            validation=thinned(materials.of_phase(phase, division.validation), recipe.watched),
            weights=materials.weights_of(phase),
            seed=(recipe.seed,),
            folder=place,
            fingerprint=prints[number],
        )
        fit(stretch, network, log, tell, resumed if resumed and resumed[0].phase == number else None)
        end = end_of_phase(folder, prints[number])
        make_folder(end)
        save_state(end, Place(number, phase.epochs, prints[number]), network, None)
    return network, log.rows


def thinned(samples: Sequence[Sample], most: int | None) -> Sequence[Sample]:
    """Return at most so many of some samples, evenly from first to last."""
    if most is None or len(samples) <= most:
        return samples
    return [samples[place * len(samples) // most] for place in range(most)]


def fingerprints(materials: Materials, division: Division, start: Start) -> list[str]:
    """Return for each phase what stands for all that decides the weights at its end."""
    recipe = materials.recipe
    begun = recipe.model_dump(mode="json", include={"labels", "seed", "precision", "drop_path", "model"}) | {
        "start": start.digest
    }
    prints, before = [], json.dumps(begun, sort_keys=True)
    for phase in recipe.phases:
        samples = materials.of_phase(phase, division.training)
        # Without defaults: a key that a later version adds does not make a phase another one.
        said = phase.model_dump_json(exclude_defaults=True)
        parts = [before, said, json.dumps(materials.weights_of(phase)), *_said(samples)]
        before = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        prints.append(before)
    return prints


def _said(samples: Sequence[Sample]) -> list[str]:
    return [
        f"{sample.dataset}/{sample.id} {sorted((sample.emotions or {}).items())}"
        f" {sample.valence} {sample.arousal}"
        for sample in samples
    ]


def end_of_phase(folder: Path, fingerprint: str) -> Path:
    """Return where the state at the end of a phase is kept, for all rounds that have it in common."""
    return folder / "phases" / fingerprint[:16]


def _done(folder: Path, prints: Sequence[str], network: Network) -> int:
    """Give the network the latest end of a phase that is known; return how many phases that spares."""
    for number in reversed(range(len(prints))):
        state = read_state(end_of_phase(folder, prints[number]))
        if state is not None and state[0].fingerprint == prints[number]:
            restore(state[1], network, None)
            return number + 1
    return 0


def _resumable(place: Path, prints: Sequence[str], done: int) -> tuple[Place, Mapping[str, Any]] | None:
    """Return the state to go on from, if it is one of the phase that comes next."""
    state = read_state(place)
    if state is None or done >= len(prints) or state[0].phase != done:
        return None
    return state if state[0].fingerprint == prints[done] else None


def _keeps(
    names: Sequence[str], done: int, resumed: tuple[Place, Mapping[str, Any]] | None
) -> Callable[[Mapping[str, str]], bool]:
    """Return which rows of a log still count: those of what need not be trained again."""
    epochs = resumed[0].epoch if resumed else 0

    def keep(row: Mapping[str, str]) -> bool:
        number = names.index(row["phase"]) if row["phase"] in names else len(names)
        return number < done or (number == done and int(row["epoch"]) <= epochs)

    return keep

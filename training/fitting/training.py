"""A whole training: rounds, report and model."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import keras
import numpy as np
from pydantic import JsonValue

from shared.catalog import ModelCard
from training.evaluation.card import metrics_of
from training.evaluation.document import Report
from training.evaluation.report import build_report, write_report
from training.evaluation.scored import Scored, join
from training.evaluation.temperature import fit_temperature
from training.fitting.card_page import write_page
from training.fitting.materials import Division, Materials
from training.fitting.model_folder import revision, write_model
from training.fitting.phase import predictor
from training.fitting.rounds import fit_round
from training.fitting.scoring import Scores, score
from training.fitting.start import Start
from training.fitting.watch import Step
from worker.fusion.layouts import AUDIO, VIDEO
from worker.model.networks import Network

# The same model with one of the modalities hidden.
ABLATIONS: Mapping[str, tuple[int, ...]] = {"video only": (VIDEO,), "audio only": (AUDIO,)}


@dataclass(frozen=True)
class Outcome:
    """What a training has left.

    Attributes:
        report: Over all samples that were tested; None where none was.
        card: Of the model; None where there was no round for it.
        folder: Of the training.
    """

    report: Report | None
    card: ModelCard | None
    folder: Path


def run_training(  # noqa: PLR0913 - each is named
    materials: Materials,
    rounds: Sequence[Division],
    start: Start,
    folder: Path,
    *,
    tell: Callable[[str, Step], None],
    card: Mapping[str, Any],
    command: str,
    rivals: Mapping[str, Materials] = MappingProxyType({}),
) -> Outcome:
    """Fit each round, score who was kept out of it, and write report and model.

    Args:
        materials: What is trained on.
        rounds: From ``divisions``.
        start: What the networks start from.
        folder: Of the training.
        tell: Is told of each batch, with the round's name.
        card: What the model's card says beside figures: data, folds, source, licence.
        command: How the training was started, for the card.
        rivals: By name: the same data with other recipes, which are trained on each fold and compared.

    Raises:
        AvemotionError: See ``fit_round``.
    """
    curves: dict[str, list[dict[str, float | None]]] = {}
    tested: list[Scores] = []
    hidden: dict[str, list[Scored]] = {name: [] for name in ABLATIONS}
    validated: list[Scored] = []
    network: Network | None = None
    rows: list[dict[str, Any]] = []
    for division in rounds:
        network, rows = fit_round(materials, division, start, folder, partial(tell, division.name))
        curves[division.name] = list(_curve(rows))
        predict, config = predictor(network), materials.recipe.config
        if division.validation and division.name == "final":
            validated.append(score(predict, division.validation, materials.library, config).scored)
        if division.test:
            scores = score(predict, division.test, materials.library, config)
            scores.scored.save(folder / division.name.replace(" ", "-") / "scored.npz")
            tested.append(scores)
            for name, modalities in ABLATIONS.items():
                alone = score(predict, division.test, materials.library, config, modalities=modalities)
                hidden[name].append(alone.scored)
            for name, other in rivals.items():
                hidden.setdefault(name, []).append(_rival(name, other, division, start, folder, tell))
    report = None
    if tested:
        report = _report(materials, tested, hidden, curves)
        write_report(report, folder)
    made = None
    if network is not None and rounds and rounds[-1].name == "final":
        temperature = _temperature(validated, tested)
        figures = {} if report is None else metrics_of(report)
        place = folder / "model" / materials.recipe.id
        made = write_model(
            place,
            materials.recipe,
            network,
            temperature,
            {"metrics": figures, **card},
        )
        if report is not None:
            missed = _missed(tested)
            write_page(place, made, report, materials, network, unscored=missed, rows=rows, command=command)
    return Outcome(report, made, folder)


def _rival(  # noqa: PLR0913, PLR0917 - what `run_training` was given
    name: str,
    materials: Materials,
    division: Division,
    start: Start,
    folder: Path,
    tell: Callable[[str, Step], None],
) -> Scored:
    """Return what another model says of the samples that a round tests, once it is trained like the first."""
    network, _ = fit_round(
        materials, division, start, folder / "rivals" / name, partial(tell, f"{name}, {division.name}")
    )
    return score(predictor(network), division.test, materials.library, materials.recipe.config).scored


def _missed(tested: Sequence[Scores]) -> int:
    """Return how many tested samples got no answer."""
    return sum(len(scores.unscored) for scores in tested)


def _temperature(validated: Sequence[Scored], tested: Sequence[Scores]) -> float:
    """Return the temperature that fits held-out samples best; 1 without any."""
    parts = list(validated) or [scores.scored for scores in tested]
    if not parts:
        return 1.0
    held = join(parts)
    return round(fit_temperature(held.logits, held.truth).value, 4)


def _report(
    materials: Materials,
    tested: Sequence[Scores],
    hidden: Mapping[str, Sequence[Scored]],
    curves: Mapping[str, Sequence[Mapping[str, float | None]]],
) -> Report:
    scored = join([scores.scored for scores in tested])
    # A modality that some tested samples lack cannot be compared over all of them.
    ablation = {
        name: joined
        for name, parts in hidden.items()
        if parts and (joined := join(list(parts))) and set(joined.keys) == set(scored.keys)
    }
    details = {(sample.dataset, sample.id): dict(sample.details) for sample in materials.mixed.samples}
    return build_report(
        scored,
        title=materials.recipe.id,
        curves=curves,
        ablation=ablation,
        context=_context(materials, tested),
        details=details,
    )


def _context(materials: Materials, tested: Sequence[Scores]) -> dict[str, JsonValue]:
    recipe = materials.recipe
    return {
        "Recipe": cast("JsonValue", json.loads(recipe.model_dump_json())),
        "Data": {
            dataset.name: {
                "samples": len(dataset.samples),
                "speakers": len({sample.speaker for sample in dataset.samples if sample.speaker}),
                "folds": dataset.fold_source or "none",
                "labels from": ", ".join(sorted({sample.label_source for sample in dataset.samples})),
                "problems": len(dataset.problems),
            }
            for dataset in materials.datasets.values()
        },
        "Tested samples without a face or a voice": _missed(tested),
        "Samples whose features could not be made": len(materials.failures),
        "Seed": recipe.seed,
        "Environment": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "numpy": np.__version__,
        },
        "Revision": revision() or "unknown",
    }


def _curve(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, float | None]]:
    """Return the log's rows as numbers, epochs counted on from phase to phase."""
    return [
        {
            "epoch": float(number),
            **{name: _number(value) for name, value in row.items() if name not in {"phase", "epoch"}},
        }
        for number, row in enumerate(rows, start=1)
    ]


def _number(value: Any) -> float | None:
    return None if value in {"", None} else float(value)

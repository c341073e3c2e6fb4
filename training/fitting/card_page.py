"""The page for people about a trained model: ``CARD.md``."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from shared.catalog import ModelCard
from shared.catalog.card import PAGE
from shared.outputs import replacing
from training.datasets.terms import terms_of
from training.evaluation.card import card_text
from training.evaluation.card_input import CardInput, DataSource
from training.evaluation.document import Report
from training.fitting.materials import Materials
from training.fitting.recipe import Recipe
from worker.model.hardware import available_cores
from worker.model.networks import Network
from worker.model.presets import PRESETS


def write_page(  # noqa: PLR0913 - each is named
    folder: Path,
    card: ModelCard,
    report: Report,
    materials: Materials,
    network: Network,
    *,
    unscored: int,
    rows: Sequence[Mapping[str, Any]],
    command: str,
) -> None:
    """Write the page of a model.

    Args:
        folder: Of the model.
        card: Of the model.
        report: Its figures.
        materials: What it was trained on.
        network: With its weights.
        unscored: How many tested samples show no face and hold no voice.
        rows: Of the log of its training, an epoch each.
        command: That made it.
    """
    notes = materials.recipe.card
    text = card_text(
        report,
        CardInput(
            id=card.id,
            description=card.description,
            licence=card.licence,
            date=card.date or dt.datetime.now(dt.UTC).date(),
            made_by=notes.made_by,
            architecture=_architecture(materials.recipe, network),
            intended_uses=notes.intended_uses,
            data=tuple(_sources(materials)),
            evaluation=notes.evaluation,
            limits=notes.limits,
            how_made=_how_made(card, rows, command),
            out_of_scope=notes.out_of_scope,
            ethics=notes.ethics,
            unscored=unscored,
        ),
    )
    with replacing(folder / PAGE) as path:
        path.write_text(text, encoding="utf-8")


def _architecture(recipe: Recipe, network: Network) -> str:
    config, preset = recipe.config, PRESETS[recipe.config.preset]
    count = sum(math.prod(weight.shape) for weight in network.weights)
    return (
        f"VideoMAE `{preset.name}` (width {preset.width}, {preset.depth} blocks, {preset.heads} heads"
        f"{', convolutional stem' if preset.stem == 'convolutional' else ''}), {config.fusion} fusion, "
        f"{count / 1e6:.2f} M parameters; windows of {config.window_s:g} s as {config.num_frame} face crops "
        f"of {config.input_size} x {config.input_size} pixels and as many images of the sound"
    )


def _sources(materials: Materials) -> Iterable[DataSource]:
    for source, dataset in materials.datasets.items():
        terms = terms_of(dataset.name)
        said = materials.recipe.card.uses.get(source, "training")
        yield DataSource(
            name=dataset.name,
            licence=terms.licence,
            use=f"{len(dataset.samples):,} samples: {said}",
            reference=terms.reference,
        )


def _how_made(card: ModelCard, rows: Sequence[Mapping[str, Any]], command: str) -> str:
    minutes = sum(float(row["seconds"] or 0) for row in rows) / 60
    return (
        f"`{command}`, at revision `{card.revision or 'unknown'}`: {len(rows)} epochs, {minutes:.0f} minutes "
        f"({keras.backend.backend()}, {available_cores()} cores)."
    )

"""Model cards from folders: the built-in ones and the operator's.

A model is a folder named by its id, with ``config.json``, ``card.json`` and, unless its weights come
from the fixed seed, one weights file.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shared.catalog.card import ModelCard
from shared.catalog.config import FORMAT

BUILTIN_DIR = Path(__file__).parent / "builtin"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CatalogProblem:
    """A folder that holds no usable model, and why."""

    folder: Path
    message: str


@dataclass(frozen=True)
class Catalog:
    """Models by id, and the folders that were left out."""

    cards: dict[str, ModelCard]
    problems: tuple[CatalogProblem, ...]


def load_catalog(models_dir: Path | None) -> dict[str, ModelCard]:
    """Return the models by id; folders that hold none are logged as warnings and left out.

    Args:
        models_dir: The operator's folder of models, served beside the built-in ones.
    """
    catalog = read_catalog(models_dir)
    for problem in catalog.problems:
        log.warning("model folder %s left out: %s", problem.folder, problem.message)
    return catalog.cards


def read_catalog(models_dir: Path | None) -> Catalog:
    """Return the models by id, and what kept other folders out. Built-in ids cannot be taken."""
    cards: dict[str, ModelCard] = {}
    problems: list[CatalogProblem] = []
    for parent in (BUILTIN_DIR, models_dir):
        if parent is None:
            continue
        try:
            folders = sorted(path for path in parent.iterdir() if _may_hold_model(path))
        except OSError as error:
            problems.append(CatalogProblem(parent, f"The folder cannot be listed: {error.strerror}."))
            continue
        for folder in folders:
            try:
                card = read_card(folder)
                if card.id in cards:
                    raise ValueError(f"A built-in model has the id {card.id}.")  # noqa: TRY301 - one way out
            except ValueError as error:
                problems.append(CatalogProblem(folder, str(error)))
            else:
                cards[card.id] = card
    return Catalog(cards, tuple(problems))


def read_card(folder: Path) -> ModelCard:
    """Return the model in a folder.

    Raises:
        ValueError: The folder holds no usable model; the message says which file or key is wrong.
    """
    config, card = _read_object(folder / "config.json"), _read_object(folder / "card.json")
    made_as = config.get("format")
    # Before all else: what a newer format adds or changes is no mistake in the file.
    if isinstance(made_as, int) and made_as > FORMAT:
        raise ValueError(
            f"The model was made by a newer avemotion: its format is {made_as}, this version reads {FORMAT}."
        )
    twice = sorted(config.keys() & card.keys())
    if twice:
        raise ValueError(f"config.json and card.json both hold {', '.join(twice)}.")
    try:
        model = ModelCard.model_validate({**config, **card, "folder": folder})
    except ValidationError as error:
        raise ValueError(_sentence(error)) from error
    if model.id != folder.name:
        raise ValueError(f"card.json says id {model.id}, but the folder is named {folder.name}.")
    if model.weights_path and not model.weights_path.is_file():
        raise ValueError(f"The weights file {model.weights} is missing.")
    return model


def _may_hold_model(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _read_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes(), parse_constant=_refuse)
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}.") from error
    # RecursionError: brackets nested without end.
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} holds no JSON object.")  # noqa: TRY004 - callers wait for one type
    return value


def _refuse(constant: str) -> None:
    """Refuse what Python reads and JSON does not have: nobody else could read it in an answer."""
    raise ValueError(f"it holds {constant}")


def _sentence(error: ValidationError) -> str:
    """Return what pydantic found as one line: each key and what is wrong with it."""
    found = (
        (".".join(str(part) for part in item["loc"]), item["msg"].removeprefix("Value error, "))
        for item in error.errors(include_url=False)
    )
    return "; ".join(f"{where}: {what}" if where else what for where, what in found) + "."

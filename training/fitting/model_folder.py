"""The folder of a model: what a training leaves and the service serves."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]  # ships no types
import numpy as np

from shared.catalog import ModelCard
from shared.catalog.reading import read_card
from shared.outputs import make_folder, replacing
from training.fitting.recipe import Recipe
from worker.model.networks import Network, build_network
from worker.model.presets import PRESETS
from worker.model.weights import copy_weights, weights_sha256

WEIGHTS_NAME = "model.weights.h5"


def write_model(
    folder: Path, recipe: Recipe, network: Network, temperature: float, card: Mapping[str, Any]
) -> ModelCard:
    """Write ``config.json``, ``card.json`` and the weights of a trained network; return the card.

    Args:
        folder: Whose name is the model's id; made if missing.
        recipe: By which it was trained.
        network: With its weights.
        temperature: What its logits are to be divided by.
        card: Data, folds, metrics, source and licence, as ``ModelCard`` names them.

    Raises:
        AvemotionError: ``INVALID_REQUEST``: the folder cannot be written.
    """
    make_folder(folder)
    stored = build_network(recipe.config, PRESETS[recipe.config.preset])
    copy_weights(network, stored)
    if recipe.stored_as == "float16":
        for weight in stored.weights:
            weight.assign(weight.numpy().astype(np.float16))
    with replacing(folder / WEIGHTS_NAME) as path:
        stored.save_weights(path)
        if recipe.stored_as == "float16":
            _halve(path)
    config = recipe.config.model_copy(update={"temperature": temperature})
    _write(folder / "config.json", config.model_dump(mode="json", exclude_defaults=False))
    said = {
        "id": recipe.id,
        "description": recipe.description,
        "licence": recipe.licence,
        "trained": True,
        "weights": WEIGHTS_NAME,
        "weights_sha256": weights_sha256(stored),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "revision": revision(),
        "warnings": [],
        **card,
    }
    _write(folder / "card.json", {name: value for name, value in said.items() if value is not None})
    return read_card(folder)


def revision() -> str | None:
    """Return the git revision of the code, with ``-dirty`` where files were changed; None outside of git."""
    here = Path(__file__).parent
    try:
        commit, changes = (
            subprocess.run(  # noqa: S603 - the arguments are ours
                ["git", "-C", str(here), *arguments],  # noqa: S607 - whichever git there is
                capture_output=True, text=True, check=True, timeout=10,
            ).stdout.strip()
            for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain"))
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}-dirty" if changes else commit


def _halve(path: Path) -> None:
    """Store the tensors of a weights file as float16."""
    kept: dict[str, tuple[Any, dict[str, Any]]] = {}

    def keep(name: str, item: Any) -> None:
        kept[name] = (item[()] if isinstance(item, h5py.Dataset) else None, dict(item.attrs))

    with h5py.File(path) as file:
        keep("/", file)
        file.visititems(keep)
    # A new file: HDF5 does not give back the room of what is deleted from one.
    with h5py.File(path, "w") as file:
        for name, (values, attributes) in kept.items():
            half = None if values is None else values.astype(np.float16)
            item = file.require_group(name) if half is None else file.create_dataset(name, data=half)
            item.attrs.update(attributes)


def _write(path: Path, value: Mapping[str, Any]) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

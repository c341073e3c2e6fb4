"""What Hugging Face's transformers write beside the weights of a VideoMAE."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shared.catalog import Normalisation
from shared.catalog.config import PATCH_SIDE_PX, TUBELET_FRAMES
from worker.model.block import MLP_RATIO
from worker.model.patches import CHANNELS
from worker.model.sources.source import Facts
from worker.model.weights_fault import invalid

CONFIG_NAME, PREPROCESSOR_NAME, README_NAME = "config.json", "preprocessor_config.json", "README.md"
MODEL_TYPE = "videomae"
# What the encoder takes for granted; transformers leave out what is as they expect it.
FIXED = {
    "num_channels": CHANNELS,
    "patch_size": PATCH_SIDE_PX,
    "tubelet_size": TUBELET_FRAMES,
    "hidden_act": "gelu",
}
WHITE = 255
LARGEST_BYTES = 16 * 2**20
LICENCE = re.compile(r"\A---\n(?:.*\n)*?license:\s*([\w.+-]+)\s*\n(?:.*\n)*?---\n")
SPDX = {"cc-by-nc-4.0": "CC-BY-NC-4.0", "apache-2.0": "Apache-2.0", "mit": "MIT"}
PLACEHOLDER = re.compile(r"LABEL_\d+")


def read_facts(path: Path, folder: Path) -> tuple[Facts, tuple[Path, ...]]:
    """Return what a folder says of the weights in it, and the files that say it.

    Args:
        path: What is imported: the folder, or a file in it. Beside a file the configuration of another
            model is passed over.
        folder: Where the weights lie.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where a file is damaged, or the model is no such VideoMAE.
    """
    files = tuple(
        file for name in (CONFIG_NAME, PREPROCESSOR_NAME, README_NAME) if (file := folder / name).is_file()
    )
    names = {file.name for file in files}
    config = read_object(path, folder / CONFIG_NAME) if CONFIG_NAME in names else {}
    if config.get("model_type", MODEL_TYPE) != MODEL_TYPE:
        if path != folder:
            return Facts(), ()
        raise invalid(path, f"{CONFIG_NAME} says model_type {config['model_type']!r}, not {MODEL_TYPE!r}.")
    for key, value in FIXED.items():
        if config.get(key, value) != value:
            raise invalid(path, f"{CONFIG_NAME} says {key} {config[key]!r}; only {value!r} is known here.")
    width = _count(path, config, "hidden_size")
    hidden = _count(path, config, "intermediate_size")
    if width is not None and hidden not in (None, MLP_RATIO * width):
        raise invalid(path, f"{CONFIG_NAME} says intermediate_size {hidden}, not {MLP_RATIO} x {width}.")
    labels, label_names = _labels(path, config)
    return Facts(
        width=width,
        depth=_count(path, config, "num_hidden_layers"),
        heads=_count(path, config, "num_attention_heads"),
        labels=labels,
        label_names=label_names,
        normalisation=_normalisation(path, folder) if PREPROCESSOR_NAME in names else None,
        licence=_licence(folder / README_NAME) if README_NAME in names else None,
    ), files


def read_object(path: Path, file: Path) -> dict[str, Any]:
    """Return the JSON object in a file that belongs to ``path``.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where it is none.
    """
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise invalid(path, f"{file.name} is too large to be what its name says.")
        value = json.loads(file.read_bytes())
    # RecursionError: brackets nested without end.
    except (OSError, ValueError, RecursionError) as error:
        raise invalid(path, f"{file.name} cannot be read as JSON ({error}).") from error
    if not isinstance(value, dict):
        raise invalid(path, f"{file.name} holds no JSON object.")
    return value


def _count(path: Path, config: Mapping[str, Any], key: str) -> int | None:
    value = config.get(key)
    if value is None or (isinstance(value, int) and value > 0):
        return value
    raise invalid(path, f"{CONFIG_NAME} says {key} {value!r}, which is no number of them.")


def _labels(path: Path, config: Mapping[str, Any]) -> tuple[int | None, tuple[str, ...]]:
    """Return how many labels there are, and their names unless they are transformers' placeholders."""
    names = config.get("id2label")
    if names is None:
        return None, ()
    if not isinstance(names, dict) or set(names) != {str(index) for index in range(len(names))}:
        raise invalid(path, f"{CONFIG_NAME} does not number its labels (id2label) from 0 on.")
    ordered = tuple(str(names[str(index)]) for index in range(len(names)))
    return len(ordered), () if all(PLACEHOLDER.fullmatch(name) for name in ordered) else ordered


def _normalisation(path: Path, folder: Path) -> Normalisation:
    """Return what transformers do to pixels, in terms of pixels in [0, 1]."""
    steps = read_object(path, folder / PREPROCESSOR_NAME)
    try:
        scale = WHITE * float(steps.get("rescale_factor", 1 / WHITE) if steps.get("do_rescale", True) else 1)
        mean, std = (0.0,) * CHANNELS, (1.0,) * CHANNELS
        if steps.get("do_normalize", True):
            mean, std = steps["image_mean"], steps["image_std"]
        return Normalisation.model_validate(
            {"mean": [value / scale for value in mean], "std": [value / scale for value in std]}
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError, ValidationError) as error:
        what = f"{PREPROCESSOR_NAME} does not say by which three numbers each pixels are shifted and divided."
        raise invalid(path, what) from error


def _licence(readme: Path) -> str | None:
    """Return the licence in the header of a model's page."""
    with readme.open(encoding="utf-8", errors="replace") as lines:
        found = LICENCE.match(lines.read(LARGEST_BYTES))
    return SPDX.get(found[1].lower(), found[1]) if found else None

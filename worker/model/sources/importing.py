"""Importing weights: from somebody else's file to a ``.weights.h5`` with a card."""

from __future__ import annotations

import datetime as dt
import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.catalog import Normalisation
from shared.errors import AvemotionError, ErrorCode
from shared.outputs import check_output, replacing
from worker.model.classifier import VideoMAE
from worker.model.position import sincos_table
from worker.model.presets import Preset
from worker.model.sources.card import WEIGHTS_SUFFIX, LicenceBasis, Origin, WeightsCard, card_path
from worker.model.sources.licences import check_licence, licence_of
from worker.model.sources.plan import Plan, make_plan
from worker.model.sources.recognition import open_source
from worker.model.sources.source import Source
from worker.model.weights import new_videomae, weights_by_name, weights_sha256
from worker.model.weights_fault import invalid

# What VideoMAE was trained with, as its authors normalise pixels in [0, 1]: ImageNet's.
OFFICIAL = Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
# Rounding of a saved position table, at most that of float16.
POSITION_TOLERANCE = 1e-3


def import_weights(
    path: Path, preset: Preset, out: Path, *, licence: str | None = None, scratch: Path | None = None
) -> WeightsCard:
    """Write the weights of a source as a file of ``VideoMAE``, and its card; return the card.

    Everything is looked at before anything is written.

    Args:
        path: A file or folder of any kind that ``open_source`` knows.
        preset: The size that it should have.
        out: The file to write, ``*.weights.h5``. What was there is replaced.
        licence: SPDX name, where it is known better than the source tells.
        scratch: Where a zip is unpacked; the system's place for temporary files when None.

    Raises:
        AvemotionError: ``NOT_FOUND``, or ``INVALID_WEIGHTS`` where the source is damaged or not what it
            should be; ``INVALID_REQUEST`` where the output cannot be written.
    """
    check_output(out, WEIGHTS_SUFFIX)
    if out.exists() and path.exists() and out.samefile(path):
        raise AvemotionError(ErrorCode.INVALID_REQUEST, f"{out} is the source; it would be lost.")
    if licence is not None:
        check_licence(licence)
    with open_source(path, scratch=scratch) as source:
        plan = make_plan(source, preset)
        model = new_videomae(preset, labels=plan.labels)
        fill(model, plan, source)
        known = licence_of(licence, source.facts.licence, plan, preset)
        card = _card(source, plan, model, known, out)
    with replacing(out) as weights, replacing(card_path(out)) as beside:
        model.save_weights(weights)
        beside.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return card


def fill(model: VideoMAE, plan: Plan, source: Source) -> None:
    """Give a model the weights of a source, one tensor at a time.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where a tensor is damaged or not finite, or the positions were
            learned.
    """
    if plan.positions is not None:
        _check_positions(source, plan.positions, model.backbone.preset.width)
    weights = weights_by_name(model)
    for recipe in plan.recipes:
        weights[recipe.weight].assign(recipe.make([_numbers(source, part) for part in recipe.parts]))


def _numbers(source: Source, name: str) -> NDArray[np.float32]:
    """Return a tensor in float32, its numbers finite."""
    try:
        array = source.read(name)
    except AvemotionError:
        raise
    except Exception as error:  # each format's library has its own
        raise invalid(source.path, f"{name} is cut off or damaged ({error}).") from error
    with np.errstate(over="ignore"):  # infinity is found below
        numbers: NDArray[np.float32] = array.astype(np.float32, copy=False)
    if numbers.shape != source.tensors[name].shape:
        raise invalid(source.path, f"{name} is not of the shape that it is said to have.")
    if not np.isfinite(numbers).all():
        raise invalid(source.path, f"{name} holds numbers that are not finite in float32 (NaN or infinity).")
    return numbers


def _check_positions(source: Source, name: str, width: int) -> None:
    shape = source.tensors[name].shape
    if shape[-1:] == (width,):
        table: NDArray[Any] = _numbers(source, name).reshape(-1, width)
        if np.abs(table - sincos_table(len(table), width)).max(initial=0) <= POSITION_TOLERANCE:
            return
    raise invalid(
        source.path, f"{name} is not VideoMAE's table of sines and cosines; learned ones are not known."
    )


def _card(
    source: Source, plan: Plan, model: VideoMAE, licence: tuple[str, LicenceBasis], out: Path
) -> WeightsCard:
    stated = source.facts.normalisation
    return WeightsCard(
        weights=out.name,
        weights_sha256=weights_sha256(model),
        preset=model.backbone.preset.name,
        source=Origin(
            name=source.path.name, kind=source.kind, family=plan.family, sha256=source_sha256(source)
        ),
        licence=licence[0],
        licence_basis=licence[1],
        normalisation=stated or OFFICIAL,
        normalisation_basis="preprocessor_config.json" if stated else "official",
        tensors=sum(len(recipe.parts) for recipe in plan.recipes),
        unused=len(plan.unused),
        new=plan.new,
        labels=plan.labels,
        label_names=source.facts.label_names if plan.labels else (),
        notes=plan.notes,
        date=dt.datetime.now(dt.UTC).date(),
        avemotion=version("avemotion"),
    )


def source_sha256(source: Source) -> str:
    """Return the hash of a file; of a folder that of the lines ``HASH  NAME`` of its files, sorted."""
    if source.path.is_file():
        return _file_sha256(source.path)
    lines = sorted((file.relative_to(source.path).as_posix(), _file_sha256(file)) for file in source.files)
    text = "".join(f"{digest}  {name}\n" for name, digest in lines)
    return hashlib.sha256(text.encode()).hexdigest()


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Running a weights file on clips."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from client.weights.clips import open_clips
from shared.errors import AvemotionError, ErrorCode
from shared.outputs import check_output, replacing
from worker.model.classifier import VideoMAE
from worker.model.compiled import load_backend
from worker.model.features import features
from worker.model.patches import token_grid
from worker.model.presets import Preset
from worker.model.sources.card import WeightsCard, card_path, read_weights_card
from worker.model.weights import copy_weights, load_videomae, new_videomae, weights_sha256
from worker.model.weights_fault import invalid

ARRAYS_SUFFIX = ".npz"


@dataclass(frozen=True)
class Checked:
    """What a weights file was found to be, and what was written.

    Attributes:
        preset: Told from the shapes in the file.
        labels: Outputs of the head; None without one.
        weights_sha256: Hash over the weights.
        card: The card beside the file, with the same hash; None without one.
        backend: What computed.
        shapes: Of the arrays written, by name.
        out: Where they are.
    """

    preset: Preset
    labels: int | None
    weights_sha256: str
    card: WeightsCard | None
    backend: str
    shapes: dict[str, tuple[int, ...]]
    out: Path


def check_weights(file: Path, clip: Path, out: Path, precision: Literal["float32", "bfloat16"]) -> Checked:
    """Run a weights file on clips, a few at a time, and write its outputs.

    Args:
        file: The ``.weights.h5`` file.
        clip: See ``open_clips``.
        out: ``.npz`` with ``tokens`` (batch, t * h * w, width), ``pooled`` (batch, width) and, where there
            is a head, ``logits`` (batch, labels), all float32.
        precision: What the encoder computes in.

    Raises:
        AvemotionError: The weights are damaged or not those of the card beside them, the clips are not
            what the encoder takes, or the output cannot be written; nothing is written then.
    """
    check_output(out, ARRAYS_SUFFIX)
    if not file.is_file():
        raise AvemotionError(ErrorCode.NOT_FOUND, f"There is no file {file}.")
    clips = open_clips(clip)
    model = load_videomae(file)
    digest, card = weights_sha256(model), read_weights_card(file)
    if card is not None and card.weights_sha256 != digest:
        raise invalid(
            file, f"its weights are not those of {card_path(file).name}: another hash stands there."
        )
    if precision != "float32":
        exact, labels = model, None if model.head is None else model.head.units
        model = new_videomae(exact.backbone.preset, labels=labels, dtype=precision)
        copy_weights(exact, model)
    with replacing(out) as temporary:
        shapes = _write(temporary, file, model, clips)
    return Checked(
        preset=model.backbone.preset,
        labels=None if model.head is None else model.head.units,
        weights_sha256=digest,
        card=card,
        backend=load_backend().NAME,
        shapes=shapes,
        out=out,
    )


def _write(out: Path, file: Path, model: VideoMAE, clips: NDArray[Any]) -> dict[str, tuple[int, ...]]:
    """Write the outputs of all clips as they come, tokens straight to disk; return the arrays' shapes."""
    tokens = math.prod(token_grid(*clips.shape[1:4]))
    shapes: dict[str, tuple[int, ...]] = {"tokens": (len(clips), tokens, model.backbone.preset.width)}
    rest: dict[str, list[NDArray[np.float32]]] = {}
    with ZipFile(out, "w") as archive:
        with archive.open("tokens.npy", "w", force_zip64=True) as member:
            header = {"descr": "<f4", "fortran_order": False, "shape": shapes["tokens"]}
            np.lib.format.write_array_header_1_0(member, header)
            for outputs in features(model, clips):
                if not all(np.isfinite(array).all() for array in outputs.values()):
                    raise invalid(file, "its outputs are not finite (NaN or infinity).")
                member.write(outputs.pop("tokens").astype("<f4").tobytes())
                for name, array in outputs.items():
                    rest.setdefault(name, []).append(array)
        for name, arrays in rest.items():
            whole = np.concatenate(arrays)
            shapes[name] = whole.shape
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, whole, allow_pickle=False)
    return shapes

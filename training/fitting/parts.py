"""The inputs of one modality, as a network takes them that is given no other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from shared.catalog.config import SHARED_FRAMES, TUBELET_FRAMES
from worker.fusion.layouts import AUDIO, VIDEO, token_modality
from worker.model.networks.network import Part

Arrays = dict[str, NDArray[Any]]

_OF = {"images": AUDIO, "log_mel": AUDIO, "faces": VIDEO, "series": VIDEO}


def part_for(config: ModelConfig, draw: str, tubelets: int | None) -> Part | None:
    """Return what of its inputs a network needs for a draw; None where it takes them all.

    Args:
        config: Of the model.
        draw: Of the phase.
        tubelets: Of the phase.
    """
    modality = {"faces": VIDEO, "voices": AUDIO}.get(draw)
    if modality is None or config.layout in SHARED_FRAMES:
        return None
    return Part(modality, tubelets)


def part_of_inputs(inputs: Arrays, config: ModelConfig, part: Part, *, single_frames: bool) -> Arrays:
    """Return what is needed of the inputs.

    Args:
        inputs: All of them.
        config: Of the model.
        part: What is needed.
        single_frames: Whether the first frame of a tubelet stands for it.
    """
    found = {name: array for name, array in inputs.items() if _OF.get(name, part.modality) == part.modality}
    for name in ("frames", "images", "faces"):
        if name not in found:
            continue
        frames = np.arange(found[name].shape[1]).reshape(-1, TUBELET_FRAMES)
        if name == "frames":
            kinds = token_modality(config).reshape(len(frames), -1)[:, 0]
            frames = frames[kinds == part.modality]
        frames = frames[: part.tubelets, :1] if single_frames else frames[: part.tubelets]
        found[name] = found[name][:, frames.ravel()]
    return found

"""Small networks of every fusion, what they take, and what a missing modality may hold."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from shared.catalog.config import FaceSeries
from tests.unit.model.minis import MINI, mini_card, randomise
from worker.fusion.layouts import AUDIO, VIDEO, token_modality
from worker.model.networks import Network, build_network
from worker.model.presets import Preset

Inputs = dict[str, NDArray[Any]]
Outputs = dict[str, NDArray[np.float32]]

LAYOUTS = ("audio-first", "video-first", "stacked", "alternating", "summed", "random")
LATE: dict[str, Any] = {"fusion": "late", "layout": None, "frames": 4}
# 32 bands by 24 columns: 2 by 3 patches.
HYBRID: dict[str, Any] = {
    "fusion": "hybrid",
    "window_s": 0.24,
    "audio": mini_card().audio.model_copy(update={"mel_bands": 32}),
    "series": FaceSeries(columns=("AU12_r", "pose_Tx", "gaze_angle_x"), steps=5),
}
# Whether a window has sound, and a face: every case there is.
PRESENT = np.array([(1, 1), (1, 0), (0, 1), (0, 0)], np.uint8)


def of_layout(layout: str) -> dict[str, Any]:
    """Return what two tubelets a modality need with a layout."""
    return {"layout": layout, "num_frame": 4, "frames": 4 if layout in {"stacked", "summed"} else 8}


VARIANTS: Mapping[str, dict[str, Any]] = {
    **{f"early {layout}": of_layout(layout) for layout in LAYOUTS},
    **{f"hybrid {layout}": {**HYBRID, **of_layout(layout)} for layout in LAYOUTS},
    "late logits": {**LATE, "num_frame": 4, "join": "logits"},
    "late features": {**LATE, "num_frame": 4, "join": "features"},
    "late shared": {**LATE, "num_frame": 4, "join": "logits", "shared_encoder": True},
}
# One of each way of joining.
KINDS = ("early audio-first", "hybrid audio-first", "late logits", "late features", "late shared")


def mini_config(variant: str) -> ModelConfig:
    config = mini_card(**VARIANTS[variant])
    return ModelConfig.model_validate(config.model_dump(include=set(ModelConfig.model_fields)))


def mini_network(variant: str, preset: Preset = MINI, **options: Any) -> Network:
    """Return a network with a random value in each weight."""
    network = build_network(mini_config(variant), preset, **options)
    randomise(network)
    return network


@cache
def fixed_network(variant: str, preset: Preset = MINI) -> Network:
    """Return one network for all tests that change nothing of it."""
    return mini_network(variant, preset)


def inputs_of(network: Network, count: int = len(PRESENT), seed: int = 0) -> Inputs:
    """Return what a network takes, all present: pixels, levels in dB, and measures of about unit size."""
    generator = np.random.default_rng(seed)
    made: Inputs = {}
    for name, (shape, dtype) in network.signature.items():
        if name == "present":
            made[name] = np.ones((count, 2), np.uint8)
        elif dtype == "uint8":
            made[name] = generator.integers(0, 256, (count, *shape), np.uint8)
        else:
            low, high = (-90, 0) if name == "log_mel" else (-1, 1)
            made[name] = generator.uniform(low, high, (count, *shape)).astype(dtype)
    return made


def spoil(inputs: Inputs, config: ModelConfig, garbage: Inputs) -> Inputs:
    """Return the inputs with those of modalities that are not present taken from ``garbage``."""
    spoilt = {name: array.copy() for name, array in inputs.items()}
    missing = inputs["present"] == 0
    for name, modality in (("images", AUDIO), ("log_mel", AUDIO), ("faces", VIDEO), ("series", VIDEO)):
        if name in inputs:
            spoilt[name][missing[:, modality]] = garbage[name][missing[:, modality]]
    if "frames" in inputs:
        kinds = pixel_modality(config)
        for modality in (AUDIO, VIDEO):
            places = missing[:, modality, None, None, None] & (kinds == modality)
            spoilt["frames"][places] = garbage["frames"][places]
    return spoilt


def pixel_modality(config: ModelConfig) -> NDArray[np.int64]:
    """Return what each pixel of the sequence shows, (frames, size, size)."""
    rows = config.input_size // 16
    grid = token_modality(config).reshape(-1, rows, rows)
    return grid.repeat(2, axis=0).repeat(16, axis=1).repeat(16, axis=2)


def run(network: Network, inputs: Inputs, **options: Any) -> Outputs:
    """Return the outputs as arrays."""
    outputs = network(inputs, **options)
    return {name: keras.ops.convert_to_numpy(output) for name, output in outputs.items()}


def rows_of(outputs: Outputs, index: int) -> NDArray[np.float32]:
    """Return all that a network says of one window, in one array."""
    return np.concatenate([np.ravel(outputs[name][index]) for name in ("logits", "valence", "arousal")])

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.catalog import load_catalog
from shared.errors import AvemotionError, ErrorCode
from tests.unit.model.minis import MINI, mini_card, randomise
from worker.model.network import build_network
from worker.model.presets import PRESETS, Preset
from worker.model.weights import initialise, load_weights, named_weights, weights_sha256


def test_names_say_where_a_weight_belongs() -> None:
    """named_weights has stable names without counters, whatever was built before."""
    build_network(mini_card(), MINI)

    names = [name for name, _ in named_weights(build_network(mini_card(), MINI))]

    block = [
        *("norm1/gamma", "norm1/beta", "attention/qkv/kernel", "attention/qkv/bias"),
        *("attention/projection/kernel", "attention/projection/bias", "norm2/gamma", "norm2/beta"),
        *("fc1/kernel", "fc1/bias", "fc2/kernel", "fc2/bias"),
    ]
    assert names == [
        "backbone/patch_embedding/projection/kernel",
        "backbone/patch_embedding/projection/bias",
        *(f"backbone/block_{index}/{name}" for index in range(2) for name in block),
        *("backbone/fc_norm/gamma", "backbone/fc_norm/beta"),
        *("affect/kernel", "affect/bias", "emotion/kernel", "emotion/bias"),
    ]


def test_a_seed_gives_the_same_weights_everywhere() -> None:
    """The untrained model's weights have the hash its card states: no process or machine differs."""
    card = load_catalog(None)["videomae-tiny-untrained"]
    for dtype in ("float32", "mixed_bfloat16"):
        network = build_network(card, PRESETS[card.preset], dtype=dtype)

        initialise(network)

        assert weights_sha256(network) == card.weights_sha256


def test_another_seed_gives_other_weights() -> None:
    """Weights from another seed are others."""
    hashes = set()
    for seed in (1, 2):
        network = build_network(mini_card(), MINI)
        initialise(network, seed)
        hashes.add(weights_sha256(network))

    assert len(hashes) == 2


def test_kernels_are_xavier_uniform() -> None:
    """Kernels are drawn evenly within sqrt(6 / (rows + columns)); no two are alike."""
    network = build_network(mini_card(), MINI)

    initialise(network)

    kernels = {name: values for name, values in named_weights(network) if name.endswith("kernel")}
    patches = kernels["backbone/patch_embedding/projection/kernel"]
    limit = np.sqrt(6 / (1536 + 24))
    assert 0.999 * limit < np.abs(patches).max() <= limit
    np.testing.assert_allclose([patches.mean(), patches.std()], [0, limit / np.sqrt(3)], atol=0.01 * limit)
    first, second = (kernels[f"backbone/block_{index}/fc1/kernel"] for index in range(2))
    assert np.abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1


def test_hash_sees_each_value() -> None:
    """weights_sha256 changes with the last bit of one weight."""
    network = build_network(mini_card(), MINI)
    randomise(network)
    before = weights_sha256(network)
    bias = network.weights[-1]

    bias.assign(np.nextafter(bias.numpy(), np.float32(2)))

    assert weights_sha256(network) != before


@pytest.mark.parametrize("kind", ["cut", "noise", "other preset", "missing"])
def test_bad_files_are_typed_errors(tmp_path: Path, kind: str) -> None:
    """A weights file that is damaged, missing or another model's is a typed error with its name."""
    preset = Preset("other", 24, 1, 2) if kind == "other preset" else MINI
    path = tmp_path / "model.weights.h5"
    build_network(mini_card(), preset).save_weights(path)
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    if kind == "noise":
        path.write_bytes(b"no weights at all")
    if kind == "missing":
        path.unlink()

    with pytest.raises(AvemotionError, match=r"model\.weights\.h5") as caught:
        load_weights(build_network(mini_card(), MINI), path)

    assert caught.value.code is ErrorCode.MODEL_UNAVAILABLE

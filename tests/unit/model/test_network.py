"""What networks of every fusion have in common, and early fusion."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import keras
import numpy as np
import pytest

from shared.catalog import load_catalog
from shared.catalog.config import FusionName
from tests.unit.model.mini_networks import (
    KINDS,
    VARIANTS,
    fixed_network,
    inputs_of,
    mini_config,
    mini_network,
    rows_of,
    run,
)
from tests.unit.model.minis import MINI, clips, mini_card, randomise, reference_backbone
from worker.fusion.layouts import token_modality
from worker.model.backbone import Backbone
from worker.model.networks import NETWORKS, build_network
from worker.model.pixels import normalise
from worker.model.presets import PRESETS
from worker.model.weights import initialise, load_weights, weights_sha256

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
AFFECT = {"valence", "arousal"}


def test_pixels_are_normalised_per_channel() -> None:
    """Normalise takes each channel of 0 to 255 to (pixel / 255 - mean) / std."""
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 1, 16, 16, 3)

    result = normalise(pixels, mini_card().normalisation)

    np.testing.assert_allclose(result, (pixels / 255 - MEAN) / STD, atol=1e-6)


def test_each_fusion_has_a_network() -> None:
    """Networks are known by the names that checkpoints use."""
    assert set(NETWORKS) == set(get_args(FusionName))


@pytest.mark.parametrize("masked", [False, True])
def test_early_is_normalisation_encoder_and_heads(masked: bool) -> None:
    """The outputs of early fusion are linear logits and tanh valence, arousal of the pooled features."""
    network = build_network(mini_card(), MINI)
    weights = randomise(network)
    network.modality.embedding.assign(np.zeros((3, 24)))
    frames = clips(2)

    outputs = network({"frames": frames, "present": np.ones((2, 2), np.uint8)}, masked=masked)

    for index, frame in enumerate((frames / 255 - MEAN) / STD):
        _, pooled = reference_backbone(frame, weights, MINI)
        logits = pooled @ weights["emotion/kernel"] + weights["emotion/bias"]
        affect = np.tanh(pooled @ weights["affect/kernel"] + weights["affect/bias"])
        np.testing.assert_allclose(outputs["logits"][index], logits, atol=2e-5)
        np.testing.assert_allclose([outputs["valence"][index], outputs["arousal"][index]], affect, atol=2e-5)


@pytest.mark.parametrize("variant", ["early alternating", "hybrid summed"])
def test_imported_weights_keep_parity(variant: str) -> None:
    """A new network adds exactly nothing to what its encoder makes of the sequence."""
    network = build_network(mini_config(variant), MINI)
    initialise(network)
    backbone = Backbone(MINI, name="backbone")
    backbone.build((None, 8, 32, 32, 3))
    imported = randomise(backbone)
    for weight in network.backbone.weights:
        weight.assign(imported[weight.path])
    inputs = inputs_of(network)

    outputs = network(inputs)

    pooled = backbone(normalise(inputs["frames"], network.config.normalisation))["pooled"]
    np.testing.assert_allclose(outputs["logits"], network.emotion(pooled), atol=1e-6)
    unmasked = network(inputs, masked=False)
    np.testing.assert_array_equal(unmasked["logits"], network.emotion(pooled))
    np.testing.assert_array_equal(unmasked["arousal"], keras.ops.tanh(network.affect(pooled))[:, 1])


def test_modality_embedding_tells_modalities_apart() -> None:
    """Each token gets the row of the modality that it shows."""
    network = build_network(mini_config("early stacked"), MINI)
    rows = np.random.default_rng(0).normal(size=(3, 24)).astype(np.float32)
    network.modality.embedding.assign(rows)

    added = network.modality(np.zeros((1, 8, 24), np.float32), token_modality(network.config))

    # Of 2 x 2 patches the upper two show the face, the lower two the sound.
    np.testing.assert_array_equal(added[0], rows[[1, 1, 0, 0, 1, 1, 0, 0]])


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "bfloat16"])
@pytest.mark.parametrize("variant", KINDS)
def test_signature_is_what_goes_in(variant: str, dtype: str) -> None:
    """A network says what it takes, and gives float32 of the right shapes with affect in [-1, 1]."""
    network = build_network(mini_config(variant), MINI, dtype=dtype)
    randomise(network, scale=30)

    outputs = run(network, inputs_of(network, count=3))

    assert {name: output.shape for name, output in outputs.items()} == {
        "logits": (3, 7),
        "valence": (3,),
        "arousal": (3,),
    }
    assert {output.dtype for output in outputs.values()} == {np.dtype(np.float32)}
    assert {network.signature["present"]} == {((2,), "uint8")}
    assert all(np.abs(outputs[name]).max() <= 1 for name in AFFECT)
    heads = ("emotion", "affect", "fc_norm", "cross_norm", "cross_projection", "o_projection", "/scores")
    dtypes: dict[bool, set[str]] = {True: set(), False: set()}
    for weight in network.weights:
        dtypes[any(name in weight.path for name in heads)].add(weight.dtype)
    assert dtypes == {True: {"float32"}, False: {"bfloat16" if dtype == "bfloat16" else "float32"}}


@pytest.mark.parametrize(
    ("variant", "names"),
    [
        ("early random", ["present", "frames"]),
        ("hybrid stacked", ["present", "frames", "log_mel", "series"]),
        ("late features", ["present", "images", "faces"]),
    ],
)
def test_inputs_have_their_names(variant: str, names: list[str]) -> None:
    """The inputs of each fusion are those that worker.fusion makes."""
    assert list(fixed_network(variant).signature) == names


@pytest.mark.parametrize("variant", VARIANTS)
def test_complete_windows_need_no_mask(variant: str) -> None:
    """Where both modalities are present the fast way agrees with the masked one."""
    network = fixed_network(variant)
    inputs = inputs_of(network, count=2)

    masked, fast = run(network, inputs), run(network, inputs, masked=False)

    for index in range(2):
        np.testing.assert_allclose(rows_of(masked, index), rows_of(fast, index), atol=2e-5)


@pytest.mark.parametrize("variant", KINDS)
def test_training_weights_serve(tmp_path: Path, variant: str) -> None:
    """Weights saved from a network in training load into one in service, and say the same."""
    trained = mini_network(variant, drop_path=0.2, modality_dropout=0.5)
    trained.save_weights(tmp_path / "model.weights.h5")

    served = build_network(mini_config(variant), MINI)
    load_weights(served, tmp_path / "model.weights.h5")

    assert [weight.path for weight in served.weights] == [weight.path for weight in trained.weights]
    inputs = inputs_of(served)
    expected, found = run(trained, inputs), run(served, inputs)
    for name, output in expected.items():
        np.testing.assert_array_equal(found[name], output)


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("videomae-tiny-untrained", 5_636_169),
        ("videomae-tiny-late-untrained", 11_271_188),
        ("videomae-tiny-hybrid-untrained", 7_487_241),
    ],
)
def test_builtin_weights_are_those_of_the_card(model: str, parameters: int) -> None:
    """The seed gives each built-in model the weights that its card names, on any machine."""
    card = load_catalog(None)[model]
    network = build_network(card, PRESETS[card.preset])

    initialise(network)

    assert network.count_params() == parameters
    assert weights_sha256(network) == card.weights_sha256

from __future__ import annotations

import numpy as np
import pytest

from shared.catalog import load_catalog
from tests.unit.model.minis import MINI, randomise, reference_backbone
from worker.model.backbone import Backbone
from worker.model.networks import build_network
from worker.model.presets import PRESETS


def clip(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    layer = Backbone(MINI, drop_path=0.3, name="backbone")
    layer.build((None, 4, 32, 32, 3))
    randomise(layer)
    return layer


@pytest.mark.parametrize("shape", [(4, 32, 32), (2, 16, 48), (6, 48, 32)])
def test_matches_plain_arithmetic(backbone: Backbone, shape: tuple[int, ...]) -> None:
    """One encoder gives, for any frames and size, what plain numpy in float64 gives."""
    frames = clip(2, *shape, 3)
    weights = {weight.path: weight.numpy() for weight in backbone.weights}

    features = backbone(frames)

    for index in range(2):
        tokens, pooled = reference_backbone(frames[index], weights, MINI)
        np.testing.assert_allclose(features["tokens"][index], tokens, rtol=1e-5, atol=2e-5)
        np.testing.assert_allclose(features["pooled"][index], pooled, rtol=1e-5, atol=2e-5)


def test_declared_shapes_are_real(backbone: Backbone) -> None:
    """The shapes and types that Keras is told are those that a call gives."""
    frames = clip(2, 4, 32, 48, 3)

    declared, real = backbone.compute_output_spec(frames), backbone(frames)

    assert {name: (spec.shape, spec.dtype) for name, spec in declared.items()} == {
        "tokens": ((2, 12, 24), "float32"),
        "pooled": ((2, 24), "float32"),
    }
    for name, spec in declared.items():
        assert (tuple(real[name].shape), real[name].dtype) == (spec.shape, spec.dtype)


def test_bfloat16_stays_near() -> None:
    """The encoder in bfloat16 keeps float32 weights and pooled features, near those of float32."""
    frames = clip(4, 4, 32, 32, 3)
    pooled = []
    for policy in ("float32", "mixed_bfloat16"):
        layer = Backbone(MINI, name="backbone", dtype=policy)
        layer.build(frames.shape)
        randomise(layer, scale=0.1)
        assert {weight.dtype for weight in layer.weights} == {"float32"}
        features = layer(frames)
        assert features["tokens"].dtype == policy.removeprefix("mixed_")
        pooled.append(np.array(features["pooled"]))

    assert pooled[1].dtype == np.float32
    difference = np.abs(pooled[1] - pooled[0]).max()
    assert 0 < difference < 0.02 * np.abs(pooled[0]).max()


def test_tiny_has_its_published_size() -> None:
    """The tiny encoder, the modality embedding, seven emotions and two affects have their parameters."""
    network = build_network(load_catalog(None)["videomae-tiny-untrained"], PRESETS["tiny"])

    encoder = 1536 * 192 + 192 + 12 * (12 * 192**2 + 13 * 192) + 2 * 192
    modality = 3 * 192
    assert network.count_params() == encoder + modality + 193 * (7 + 2)

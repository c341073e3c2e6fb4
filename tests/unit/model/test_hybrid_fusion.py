from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from tests.unit.model.mini_networks import fixed_network, inputs_of, mini_network, run
from tests.unit.model.minis import (
    MINI,
    MINI_CONVOLUTIONAL,
    Floats,
    Weights,
    _attend,
    _dense,
    _norm,
    _parts,
    randomise,
    reference_gelu,
    reference_positions,
)
from worker.fusion.layouts import token_modality
from worker.model.audio_patches import AudioPatches
from worker.model.networks import Network
from worker.model.pixels import normalise

VARIANT = "hybrid audio-first"
# Of AU12_r, pose_Tx and gaze_angle_x.
UNITS = (5.0, 1000.0, 1.0)


def reference_patches(log_mel: Floats) -> Floats:
    """Return patches of 16 bands by 8 columns, in time, then frequency order."""
    bands, columns = log_mel.shape
    return np.array(
        [
            (log_mel[y : y + 16, x : x + 8] / 45 + 1).ravel()
            for x in range(0, columns, 8)
            for y in range(0, bands, 16)
        ]
    )


def reference_block(tokens: Floats, context: Floats | None, weights: Weights, name: str) -> Floats:
    """Return tokens after a block of self-attention, or of attention to a context."""
    normed = _norm(tokens, weights, f"{name}/norm1")
    if context is None:
        query, key, value = np.split(_dense(normed, weights, f"{name}/attention/qkv"), 3, axis=1)
        end = f"{name}/attention/projection"
    else:
        query = _dense(normed, weights, f"{name}/query")
        seen = _norm(context, weights, f"{name}/context_norm")
        key, value = np.split(_dense(seen, weights, f"{name}/key_value"), 2, axis=1)
        end = f"{name}/projection"
    heads = [_attend(query[:, part], key[:, part], value[:, part]) for part in _parts(MINI.width, MINI.heads)]
    tokens = tokens + _dense(np.hstack(heads), weights, end)
    hidden = _dense(_norm(tokens, weights, f"{name}/norm2"), weights, f"{name}/fc1")
    return tokens + _dense(reference_gelu(hidden), weights, f"{name}/fc2")


def encoded(network: Network, frames: np.ndarray, present: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return the encoder's tokens and pooled features of the first window, without what is missing."""
    embedded = network.backbone.embed(normalise(frames, network.config.normalisation))
    tokens = network.modality(embedded, token_modality(network.config))
    there = np.array(present)[token_modality(network.config)] > 0
    tokens = network.backbone.encode(ops.convert_to_tensor(np.array(tokens)[:, there]))
    return np.array(tokens[0], np.float64), np.array(network.backbone.pool(tokens)[0], np.float64)


@pytest.mark.parametrize(
    ("present", "masked"), [((1, 1), False), ((1, 1), True), ((1, 0), True), ((0, 1), True)]
)
def test_hybrid_follows_plain_arithmetic(present: tuple[int, int], masked: bool) -> None:
    """Patches and measures look at the encoder's tokens twice; what they find is added in equal parts."""
    network = fixed_network(VARIANT)
    weights = {weight.path: weight.numpy() for weight in network.weights}
    inputs = {**inputs_of(network, 1), "present": np.array([present], np.uint8)}
    inputs["series"] *= UNITS
    inputs["series"][0, 1] = np.nan
    inputs["series"][0, 2, 0] = np.nan

    outputs = run(network, inputs, masked=masked)

    heard = _dense(reference_patches(inputs["log_mel"][0]), weights, "audio_patches/projection")
    heard = heard + reference_positions(*heard.shape)
    for index in range(2):
        heard = reference_block(heard, None, weights, f"audio_patches/block_{index}")
    known = ~np.isnan(inputs["series"][0])
    values = np.where(known, inputs["series"][0] / UNITS, 0)
    measured = _dense(np.hstack([values, known]), weights, "face_series/projection")
    measured = measured + reference_positions(*measured.shape)
    # Instants of which nothing is known do not count.
    measured = measured[known.any(axis=1)]
    assert (len(heard), len(measured)) == (6, 4)
    tokens, pooled = encoded(network, inputs["frames"], present)
    found = []
    for asked in (each for each, there in zip((heard, measured), present, strict=True) if there):
        first = reference_block(asked, tokens, weights, "cross_0")
        second = reference_block(first, tokens, weights, "cross_1")
        found.append(_norm(second.mean(axis=0), weights, "cross_norm"))
    pooled = (
        pooled
        + np.mean(found, axis=0) @ weights["cross_projection/zero_kernel"]
        + weights["cross_projection/bias"]
    )
    np.testing.assert_allclose(outputs["logits"][0], _dense(pooled, weights, "emotion"), atol=1e-4)


def test_levels_are_scaled_from_silence_to_full_scale() -> None:
    """Silence enters as -1, full scale as 1, whatever the level of silence."""
    patches = AudioPatches(MINI, floor_db=-80.0).patches(np.full((1, 16, 8), -80.0))
    louder = AudioPatches(MINI, floor_db=-60.0).patches(np.array([-60.0, 0.0]).repeat(64).reshape(1, 16, 8))

    np.testing.assert_allclose(patches, np.full((1, 1, 128), -1), atol=1e-6)
    np.testing.assert_allclose(louder, np.array([-1.0, 1.0]).repeat(64).reshape(1, 1, 128), atol=1e-6)


def test_a_convolutional_model_hears_functionals() -> None:
    """Each token of the sound knows what the whole window is like, where the size is made for few data."""
    layer = AudioPatches(MINI_CONVOLUTIONAL, floor_db=-90.0)
    log_mel = np.random.default_rng(0).uniform(-90, 0, (1, 32, 24)).astype(np.float32)
    layer.build(log_mel.shape)
    randomise(layer)
    assert layer.functionals is not None
    heard = np.array(layer(log_mel))

    layer.functionals.projection.kernel.assign(np.zeros_like(layer.functionals.projection.kernel))
    layer.functionals.projection.bias.assign(np.zeros_like(layer.functionals.projection.bias))

    assert np.abs(np.array(layer(log_mel)) - heard).max(axis=2).min() > 1e-3
    assert AudioPatches(MINI, floor_db=-90.0).functionals is None


def test_value_and_knowledge_are_told_apart() -> None:
    """A measure of zero and one that is not known say different things."""
    network = fixed_network(VARIANT)
    inputs = inputs_of(network, 1)
    found = []
    for value in (0.0, np.nan):
        inputs["series"][0, :, 1] = value
        found.append(run(network, inputs)["logits"])

    assert np.abs(found[0] - found[1]).max() > 1e-3


def test_order_of_instants_counts() -> None:
    """The same measures in another order, and the same sound, say something else."""
    network = fixed_network(VARIANT)
    inputs = inputs_of(network, 1)
    straight = run(network, inputs)["logits"]

    for name, axis in (("series", 1), ("log_mel", 2)):
        turned = {**inputs, name: np.flip(inputs[name], axis=axis)}
        assert np.abs(run(network, turned)["logits"] - straight).max() > 1e-3


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "bfloat16"])
def test_half_precision_stays_near(dtype: str) -> None:
    """In bfloat16 what hybrid fusion adds stays near what it adds in float32."""
    exact, near = (mini_network(VARIANT, dtype=policy) for policy in ("float32", dtype))
    for network in (exact, near):
        randomise(network, scale=0.1)
    inputs = inputs_of(exact, 4)

    expected, found = run(exact, inputs)["logits"], run(near, inputs)["logits"]

    difference = np.abs(found - expected).max()
    assert 0 < difference < 0.05 * np.abs(expected).max()


def test_levels_are_scaled_before_they_are_rounded() -> None:
    """In bfloat16 two levels still differ that would be one if they were rounded in dB."""
    network = mini_network(VARIANT, dtype="bfloat16")
    inputs = inputs_of(network, 1)
    found = []
    for level_db in (-45.0, -45.05):
        inputs["log_mel"][:] = level_db
        found.append(run(network, inputs)["logits"])

    assert (found[0] != found[1]).any()

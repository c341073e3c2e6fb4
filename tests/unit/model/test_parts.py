"""The pieces of the encoder, each against a direct formula."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.unit.model.minis import reference_gelu, reference_positions
from worker.model.activation import gelu
from worker.model.attention import attend_in_chunks, mask_bias
from worker.model.block import Block
from worker.model.lanes import count_lanes, run_blocks
from worker.model.patches import PatchEmbedding, token_grid
from worker.model.position import sincos_table


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("tokens", "width"), [(1, 2), (8, 24), (75, 192)])
def test_positions_follow_the_formula(tokens: int, width: int) -> None:
    """sincos_table holds sin in even and cos in odd columns, whose period grows by pairs."""
    np.testing.assert_allclose(sincos_table(tokens, width), reference_positions(tokens, width), atol=1e-6)


def test_positions_cannot_be_written() -> None:
    """sincos_table returns a shared table that nobody can change."""
    with pytest.raises(ValueError, match="read-only"):
        sincos_table(8, 24)[0, 0] = 1


def test_gelu_is_exact() -> None:
    """The activation is the erf form, not the tanh approximation, which differs by up to 5e-4."""
    values = np.linspace(-6, 6, 241, dtype=np.float32)

    np.testing.assert_allclose(gelu(keras.ops.convert_to_tensor(values)), reference_gelu(values), atol=1e-6)


def test_token_grid_refuses_what_does_not_divide() -> None:
    """token_grid names the frames and the size that do not divide into tubelets."""
    assert token_grid(16, 224, 160) == (8, 14, 10)
    for frames, height, width in [(3, 32, 32), (4, 33, 32), (4, 32, 40)]:
        with pytest.raises(ValueError, match=f"{frames} frames of {height}x{width}"):
            token_grid(frames, height, width)


def test_patches_are_a_strided_convolution() -> None:
    """PatchEmbedding equals a Conv3D of kernel and stride (2, 16, 16), in time, row, column order."""
    frames = normal(2, 4, 32, 48, 3)
    embedding = PatchEmbedding(5)
    embedding.build(frames.shape)
    convolution = keras.layers.Conv3D(5, (2, 16, 16), strides=(2, 16, 16))
    convolution.build(frames.shape)
    kernel, bias = convolution.get_weights()
    bias = bias + normal(5)
    convolution.set_weights([kernel, bias])
    embedding.set_weights([kernel.reshape(-1, 5), bias])

    expected = np.reshape(convolution(frames), (2, 12, 5))
    np.testing.assert_allclose(embedding(frames), expected, atol=1e-5)


@pytest.mark.parametrize("chunk_tokens", [1, 4, 5, 13, 100])
def test_attention_does_not_depend_on_chunks(chunk_tokens: int) -> None:
    """attend_in_chunks equals Keras's attention, also where the last chunk is shorter."""
    query, key, value = (keras.ops.convert_to_tensor(normal(2, 13, 3, 8, seed=seed)) for seed in range(3))

    seen = attend_in_chunks(query, key, value, chunk_tokens=chunk_tokens)

    np.testing.assert_allclose(seen, keras.ops.dot_product_attention(query, key, value), atol=2e-6)


@pytest.mark.parametrize("lanes", [2, 3, 13])
@pytest.mark.parametrize("masked", [False, True])
def test_tokens_do_not_depend_on_lanes(lanes: int, masked: bool) -> None:
    """run_blocks gives the same tokens in any number of lanes, some hidden or none."""
    tokens = keras.ops.convert_to_tensor(normal(2, 13, 8))
    bias = mask_bias(keras.ops.convert_to_tensor(normal(2, 13, seed=1) > 0), "float32") if masked else None
    blocks = [Block(8, 2), Block(8, 2)]
    for seed, block in enumerate(blocks):
        block.build(tokens.shape)
        block.set_weights([normal(*weight.shape, seed=seed) for weight in block.weights])

    whole = run_blocks(blocks, tokens, bias, lanes=1)

    np.testing.assert_allclose(run_blocks(blocks, tokens, bias, lanes=lanes), whole, atol=1e-5, rtol=1e-5)


def test_training_takes_one_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    """run_blocks skips a sample as a whole in training, however many threads there are."""
    monkeypatch.setattr("worker.model.lanes.count_lanes", lambda _: 3)
    block = Block(8, 2, drop_path=0.5)
    block.build((64, 6, 8))
    block.set_weights([np.zeros(weight.shape, np.float32) for weight in block.weights])
    block.fc2.bias.assign(np.ones(8))

    added = np.array(run_blocks([block], keras.ops.zeros((64, 6, 8)), training=True))

    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1, :1], added.shape), atol=1e-5)


@pytest.mark.parametrize(
    ("threads", "tokens", "lanes"), [(0, 1568, 1), (2, 1568, 2), (4, 196, 2), (4, 49, 1)]
)
def test_a_lane_is_a_thread(monkeypatch: pytest.MonkeyPatch, threads: int, tokens: int, lanes: int) -> None:
    """count_lanes gives each thread a lane of at least 98 tokens; one lane where no limit is set."""
    monkeypatch.setattr("tensorflow.config.threading.get_inter_op_parallelism_threads", lambda: threads)

    assert count_lanes(tokens) == lanes


def test_drop_path_skips_whole_samples() -> None:
    """A block's drop-path leaves a sample as it was, or scales the branch; off outside training."""
    tokens = normal(64, 3, 8)
    block = Block(8, 2, drop_path=0.5)
    block.build(tokens.shape)
    # Without attention, and an MLP that adds 1: what remains of the branch can be read off.
    block.set_weights([np.zeros(weight.shape, np.float32) for weight in block.weights])
    block.fc2.bias.assign(np.ones(8))

    added = np.array(block([tokens], training=True)[0]) - tokens

    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1, :1], added.shape), atol=1e-5)
    assert set(np.round(added[:, 0, 0], 3)) == {0.0, 2.0}
    np.testing.assert_allclose(np.array(block([tokens])[0]) - tokens, 1, atol=1e-5)

from __future__ import annotations

import pytest

from bench.model.products import (
    CHANNELS,
    CHUNK_ROWS,
    MLP_RATIO,
    Clip,
    Product,
    forward_flops,
    forward_products,
)
from bench.model.ways import MOST_REPEATS, ways
from tests.unit.bench.measured import MINI
from worker.model import block, patches
from worker.model.classifier import VideoMAE
from worker.model.presets import PRESETS


# Multiply-adds of a 16x224 and a 16x160 clip, in 1e9, as the field counts them.
@pytest.mark.parametrize(
    ("preset", "large", "small"),
    [
        ("tiny", 20.1, 7.4),
        ("small", 56.9, 23.4),
        ("base", 180.3, 80.7),
        ("large", 596.8, 274.3),
        ("huge", 1191, 557),
    ],
)
def test_products_sum_to_the_known_count(preset: str, large: float, small: float) -> None:
    """The products of a forward hold the multiply-adds that are known of each preset."""
    for clip, known in ((Clip(16, 224), large), (Clip(16, 160), small)):
        assert forward_flops(PRESETS[preset], clip, 1) / 2e9 == pytest.approx(known, rel=0.01)


def test_work_grows_with_the_batch() -> None:
    """A batch of four has four times the operations of one clip, in as many products."""
    one, four = (forward_products(PRESETS["base"], Clip(), batch) for batch in (1, 4))
    assert [product.flops * 4 for product in one] == [product.flops for product in four]
    assert [product.count for product in one] == [product.count for product in four]


def test_products_are_those_of_the_model() -> None:
    """Each product with a weight has the shape of that weight in the real model, as often as it is there."""
    model = VideoMAE(MINI)
    clip = Clip(4, 32)
    model.build((None, *clip.shape))
    kernels = sorted(tuple(weight.shape) for weight in model.weights if weight.name == "kernel")
    products = [product for product in forward_products(MINI, clip, 3) if product.groups == 1]
    assert kernels == sorted((p.inner, p.columns) for p in products for _ in range(p.count))
    assert {product.rows for product in products} == {3 * clip.tokens}


def test_sizes_are_those_of_the_model() -> None:
    """What is written out, for the sake of a light parent process, is what the model says."""
    assert Clip(16, 224).tokens == 1568
    assert Clip(4, 32).tokens == patches.token_grid(4, 32, 32)[0] * 4
    assert (MLP_RATIO, CHANNELS) == (block.MLP_RATIO, patches.CHANNELS)


@pytest.mark.parametrize("call_flops", [0, 1e9, 1e15])
def test_every_way_computes_the_whole_product(call_flops: float) -> None:
    """However a product is parted, a measurement is divided by the products that were computed."""
    product = Product("scores", 12, 1568, 64, 1568, 12)
    for way in ways(product, call_flops):
        computed = way.calls * way.groups * way.rows
        assert computed == way.products * product.groups * product.rows, way
        assert 1 <= way.products <= MOST_REPEATS
        assert way.rows in (product.rows, CHUNK_ROWS)


def test_products_with_weights_are_not_parted() -> None:
    """Only products of a batch of matrices are tried in parts."""
    assert [way.name for way in ways(Product("fc1", 1, 1568, 768, 3072, 12), 0)] == ["whole", "transposed"]
    batched = ways(Product("scores", 6, 196, 64, 196, 12), 0)
    assert [way.name for way in batched] == ["whole", "transposed", "chunks", "matrices"]

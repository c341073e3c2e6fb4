"""From samples to cases."""

from __future__ import annotations

from collections.abc import Mapping

from bench.model.contender import Kind, Precision, Setup
from bench.model.products import forward_products
from bench.model.results import Case, ProductTime, Spread
from bench.model.rounds import Samples

MODELS: tuple[Kind, ...] = ("ours", "transformers")
PRODUCTS: tuple[Kind, ...] = ("tensorflow-products", "torch-products")

# Who, in what precision, and how many clips at a time.
Key = tuple[Kind, Precision, int]


def make_case(setup: Setup, precision: Precision, batch: int, samples: Mapping[Key, Samples]) -> Case:
    """Return what was measured at a precision and a batch size; ours must have been."""
    forwards = {
        kind: Spread.of(samples[kind, precision, batch]["forward"])
        for kind in MODELS
        if (kind, precision, batch) in samples
    }
    products = [
        ProductTime(product.name, product.count, product.flops, ways)
        for product in forward_products(setup.preset, setup.clip, batch)
        if (ways := _ways(product.name, precision, batch, samples))
    ]
    return Case(precision, batch, forwards["ours"], forwards.get("transformers"), tuple(products))


def _ways(
    product: str, precision: Precision, batch: int, samples: Mapping[Key, Samples]
) -> dict[str, Spread]:
    """Return the spreads of one product, named like ``torch, transposed``."""
    return {
        f"{kind.removesuffix('-products')}, {name.partition('/')[2]}": Spread.of(seconds)
        for kind in PRODUCTS
        for name, seconds in samples.get((kind, precision, batch), {}).items()
        if name.partition("/")[0] == product
    }

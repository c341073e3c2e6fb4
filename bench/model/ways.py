"""The ways in which a library may be asked for a product: the fastest of them all counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.model.products import Product

# Each is an operation of its own in TensorFlow's graph.
MOST_REPEATS = 32


@dataclass(frozen=True)
class Way:
    """One way to compute a product.

    Attributes:
        name: ``whole``; ``transposed``, the second factor stored by columns; or ``chunks``, rows of the
            first factor a part at a time, as our attention takes them.
        rows: Rows at a time.
        calls: How often a product of so many rows is computed in one measurement.
        products: How many whole products these are.
    """

    name: str
    rows: int
    calls: int
    products: float


def ways(product: Product, call_flops: float) -> list[Way]:
    """Return the ways of a product, each with at least ``call_flops`` a measurement.

    Calling a library takes tens of microseconds, so that a small product is repeated.
    """
    repeats = max(1, min(MOST_REPEATS, math.ceil(call_flops / product.flops)))
    whole = [Way(name, product.rows, repeats, repeats) for name in ("whole", "transposed")]
    if product.groups == 1 or product.chunk_rows == product.rows:
        return whole
    parts = product.rows // product.chunk_rows
    return [*whole, Way("chunks", product.chunk_rows, parts * repeats, repeats)]

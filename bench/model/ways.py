"""The ways in which a library may be asked for a product: the fastest of them all counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.model.products import Product

# Each is an operation of its own in TensorFlow's graph.
MOST_REPEATS = 32


@dataclass(frozen=True)
class Way:
    """One way to compute a product, many times in one measurement.

    Attributes:
        name: ``whole``; ``transposed``, the second factor stored by columns; ``chunks``, some rows of the
            first factor at a time; ``matrices``, these of one group at a time, as our attention takes them.
        groups: Groups at a time.
        rows: Rows at a time.
        calls: Computations in a measurement.
        products: Whole products that they amount to.
    """

    name: str
    groups: int
    rows: int
    calls: int
    products: int


def ways(product: Product, call_flops: float) -> list[Way]:
    """Return the ways of a product, each with about ``call_flops`` a measurement.

    Calling a library takes tens of microseconds, so that a small product is repeated.
    """
    repeats = max(1, min(MOST_REPEATS, math.ceil(call_flops / product.flops)))
    groups, rows = product.groups, product.rows
    found = [Way(name, groups, rows, repeats, repeats) for name in ("whole", "transposed")]
    if groups > 1:
        parts = rows // product.chunk_rows
        found += [
            Way("chunks", groups, product.chunk_rows, parts * repeats, repeats),
            Way("matrices", 1, product.chunk_rows, groups * parts * repeats, repeats),
        ]
    return found

"""The model's matrix products alone, in TensorFlow."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bench.model.contender import Setup
from bench.model.products import Product, forward_products
from worker.model.forward import limit_threads

# Calling a function takes tens of microseconds: a small product is repeated within one call.
CALL_FLOPS = 5e9


class TensorFlowProducts:
    """A ``Contender``."""

    def __init__(self, setup: Setup) -> None:
        """Take the shapes and the type."""
        limit_threads(setup.threads)
        self._setup = setup
        self._dtype = tf.as_dtype(setup.precision)
        self._calls: dict[int, list[tuple[str, int, Any, list[Any]]]] = {}

    def prepare(self, batch: int) -> None:
        """See ``Contender``."""
        self._calls[batch] = [
            call
            for product in forward_products(self._setup.preset, self._setup.clip, batch)
            for call in self._ways(product)
        ]
        self.sample(batch)

    def sample(self, batch: int) -> dict[str, float]:
        """See ``Contender``; seconds of one product."""
        seconds = {}
        for name, repeats, call, factors in self._calls[batch]:
            start = time.perf_counter()
            call(*factors)
            seconds[name] = (time.perf_counter() - start) / repeats
        return seconds

    def outputs(self, batch: int) -> dict[str, NDArray[np.float32]]:
        """See ``Contender``."""
        del batch
        return {}

    def _ways(self, product: Product) -> list[tuple[str, int, Any, list[Any]]]:
        """Return the product with its second factor as it is, and transposed."""
        repeats = math.ceil(CALL_FLOPS / product.flops)
        plain, turned = (product.inner, product.columns), (product.columns, product.inner)
        return [
            (
                f"{product.name}/{way}",
                repeats,
                _repeated(repeats, transpose_b=second == turned and way == "transposed"),
                [
                    self._factor(product.groups, product.rows, product.inner),
                    self._factor(product.groups, *second),
                ],
            )
            for way, second in (("plain", plain), ("transposed", turned))
        ]

    def _factor(self, groups: int, rows: int, columns: int) -> Any:
        shape = (rows, columns) if groups == 1 else (groups, rows, columns)
        return tf.cast(tf.random.normal(shape), self._dtype)


def _repeated(repeats: int, *, transpose_b: bool) -> Any:
    @tf.function(autograph=False)  # type: ignore[misc]
    def call(first: Any, second: Any) -> list[Any]:
        products: list[Any] = []
        for _ in range(repeats):
            # Each waits for the one before: else they would be merged, as they are the same.
            with tf.control_dependencies(products[-1:]):
                products.append(tf.linalg.matmul(first, second, transpose_b=transpose_b))
        return products

    return call

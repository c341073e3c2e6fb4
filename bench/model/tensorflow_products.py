"""The model's matrix products alone, in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

from bench.model.contender import Precision, Setup
from bench.model.gemms import Gemms
from bench.model.products import Product
from bench.model.ways import Way
from worker.model.compiled.tensorflow_backend import limit_threads


class TensorFlowProducts(Gemms):
    """A ``Contender``."""

    def __init__(self, setup: Setup, precision: Precision) -> None:
        """Take the shapes and the type."""
        limit_threads(setup.threads)
        super().__init__(setup)
        self._dtype = tf.as_dtype(precision)

    def call(self, product: Product, way: Way) -> Callable[[], Any]:
        """See ``Gemms``."""
        turned = way.name == "transposed"
        second = (product.columns, product.inner) if turned else (product.inner, product.columns)
        return partial(
            _repeated(way.calls, transpose_b=turned),
            self._factor(way.groups, way.rows, product.inner),
            self._factor(way.groups, *second),
        )

    def _factor(self, groups: int, rows: int, columns: int) -> Any:
        shape = (rows, columns) if groups == 1 else (groups, rows, columns)
        return tf.cast(tf.random.normal(shape), self._dtype)


def _repeated(calls: int, *, transpose_b: bool) -> Any:
    """Return a function that computes a product so many times, one after the other."""

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]  # TensorFlow ships no types
    def call(first: Any, second: Any) -> list[Any]:
        corners: list[Any] = []
        for _ in range(calls):
            # Waiting for the one before keeps TensorFlow from merging what is the same; taking only a
            # corner lets it use the memory again.
            with tf.control_dependencies(corners[-1:]):
                product = tf.linalg.matmul(first, second, transpose_b=transpose_b)
                corners.append(product[..., :1, :1])
        return corners

    return call

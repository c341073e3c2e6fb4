"""The model's matrix products alone, in torch."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from bench.model.contender import Setup
from bench.model.products import Product, forward_products


class TorchProducts:
    """A ``Contender``."""

    def __init__(self, setup: Setup) -> None:
        """Take the shapes and the type."""
        torch.set_num_threads(setup.threads)
        self._setup = setup
        self._dtype = getattr(torch, setup.precision)
        self._calls: dict[int, list[tuple[str, Callable[[], torch.Tensor]]]] = {}

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
        with torch.inference_mode():
            for name, call in self._calls[batch]:
                start = time.perf_counter()
                call()
                seconds[name] = time.perf_counter() - start
        return seconds

    def outputs(self, batch: int) -> dict[str, NDArray[np.float32]]:
        """See ``Contender``."""
        del batch
        return {}

    def _ways(self, product: Product) -> list[tuple[str, Callable[[], torch.Tensor]]]:
        """Return the product with its second factor as it is and transposed, into memory that is there."""
        first = self._factor(product, product.rows, product.inner)
        plain = self._factor(product, product.inner, product.columns)
        turned = self._factor(product, product.columns, product.inner).mT
        out = self._factor(product, product.rows, product.columns)
        return [
            (f"{product.name}/plain", lambda: torch.matmul(first, plain, out=out)),
            (f"{product.name}/transposed", lambda: torch.matmul(first, turned, out=out)),
        ]

    def _factor(self, product: Product, rows: int, columns: int) -> torch.Tensor:
        shape = (rows, columns) if product.groups == 1 else (product.groups, rows, columns)
        return torch.randn(shape).to(self._dtype)

"""The model's matrix products alone, in torch."""

from __future__ import annotations

from collections.abc import Callable

import torch

from bench.model.contender import Precision, Setup
from bench.model.gemms import Gemms
from bench.model.products import Product
from bench.model.ways import Way


class TorchProducts(Gemms):
    """A ``Contender``."""

    def __init__(self, setup: Setup, precision: Precision) -> None:
        """Take the shapes, the type and the device."""
        torch.set_num_threads(setup.threads)
        super().__init__(setup)
        self._dtype = getattr(torch, precision)

    def call(self, product: Product, way: Way) -> Callable[[], object]:
        """See ``Gemms``."""
        first = self._factor(way.groups, way.rows, product.inner)
        if way.name == "transposed":
            second = self._factor(way.groups, product.columns, product.inner).mT
        else:
            second = self._factor(way.groups, product.inner, product.columns)
        # Into memory that is there: getting it anew each time would be part of the time.
        result = self._factor(way.groups, way.rows, product.columns)

        def run() -> None:
            with torch.inference_mode():
                for _ in range(way.calls):
                    torch.matmul(first, second, out=result)
                self._synchronize()

        return run

    def _factor(self, groups: int, rows: int, columns: int) -> torch.Tensor:
        shape = (rows, columns) if groups == 1 else (groups, rows, columns)
        return torch.randn(shape).to(self._setup.device, self._dtype)

    def _synchronize(self) -> None:
        if self._setup.device == "cuda":
            torch.cuda.synchronize()

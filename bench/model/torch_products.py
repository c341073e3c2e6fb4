"""The model's matrix products alone, in torch."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from bench.model.contender import Precision, Setup
from bench.model.products import Product, forward_products
from bench.model.ways import Way, ways


class TorchProducts:
    """A ``Contender``."""

    def __init__(self, setup: Setup, precision: Precision) -> None:
        """Take the shapes, the type and the device."""
        torch.set_num_threads(setup.threads)
        self._setup = setup
        self._dtype = getattr(torch, precision)
        self._calls: dict[int, dict[str, tuple[Way, Callable[[], object]]]] = {}

    def prepare(self, batch: int) -> None:
        """See ``Contender``."""
        self._calls[batch] = {
            f"{product.name}/{way.name}": (way, self._call(product, way))
            for product in forward_products(self._setup.preset, self._setup.clip, batch)
            for way in ways(product, self._setup.call_flops)
        }
        self.sample(batch)

    def sample(self, batch: int) -> dict[str, float]:
        """See ``Contender``; ``product/way``."""
        seconds = {}
        with torch.inference_mode():
            for name, (way, call) in self._calls[batch].items():
                self._synchronize()
                start = time.perf_counter()
                for _ in range(way.calls):
                    call()
                self._synchronize()
                seconds[name] = (time.perf_counter() - start) / way.products
        return seconds

    def outputs(self, batch: int) -> dict[str, NDArray[np.float32]]:
        """See ``Contender``."""
        del batch
        return {}

    def _call(self, product: Product, way: Way) -> Callable[[], object]:
        first = self._factor(way.groups, way.rows, product.inner)
        if way.name == "transposed":
            second = self._factor(way.groups, product.columns, product.inner).mT
        else:
            second = self._factor(way.groups, product.inner, product.columns)
        # Into memory that is there: getting it anew each time would be part of the time.
        result = self._factor(way.groups, way.rows, product.columns)
        return lambda: torch.matmul(first, second, out=result)

    def _factor(self, groups: int, rows: int, columns: int) -> torch.Tensor:
        shape = (rows, columns) if groups == 1 else (groups, rows, columns)
        return torch.randn(shape).to(self._setup.device, self._dtype)

    def _synchronize(self) -> None:
        if self._setup.device == "cuda":
            torch.cuda.synchronize()

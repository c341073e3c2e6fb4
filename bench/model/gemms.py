"""The model's matrix products alone, each in all ways that could be the fastest."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.model.contender import Setup
from bench.model.products import Product, forward_products
from bench.model.ways import Way, ways


class Gemms(ABC):
    """A ``Contender``; libraries say how they multiply."""

    def __init__(self, setup: Setup) -> None:
        """Take the shapes."""
        self._setup = setup
        self._calls: dict[int, dict[str, tuple[Way, Callable[[], object]]]] = {}

    def prepare(self, batch: int) -> None:
        """See ``Contender``."""
        self._calls[batch] = {
            f"{product.name}/{way.name}": (way, self.call(product, way))
            for product in forward_products(self._setup.preset, self._setup.clip, batch)
            for way in ways(product, self._setup.call_flops)
        }
        self.sample(batch)

    def sample(self, batch: int) -> dict[str, float]:
        """See ``Contender``; ``product/way``."""
        seconds = {}
        for name, (way, call) in self._calls[batch].items():
            start = time.perf_counter()
            call()
            seconds[name] = (time.perf_counter() - start) / way.products
        return seconds

    def outputs(self, batch: int) -> dict[str, NDArray[np.float32]]:
        """See ``Contender``."""
        del batch
        return {}

    @abstractmethod
    def call(self, product: Product, way: Way) -> Callable[[], object]:
        """Return what computes ``way.products`` products, and returns when they are there."""

"""What was measured of one preset, and what follows from it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.model.contender import Precision


@dataclass(frozen=True)
class Spread:
    """Samples of one thing, in seconds.

    Attributes:
        median_s: Half of them were faster.
        low_s: The first quartile.
        high_s: The third quartile.
        samples_s: All of them, in the order in which they were taken.
    """

    median_s: float
    low_s: float
    high_s: float
    samples_s: tuple[float, ...]

    @classmethod
    def of(cls, samples_s: Sequence[float]) -> Spread:
        """Summarise at least one sample."""
        doubled = [*samples_s, *samples_s] if len(samples_s) == 1 else samples_s
        low, median, high = statistics.quantiles(doubled, n=4, method="inclusive")
        return cls(median, low, high, tuple(samples_s))


@dataclass(frozen=True)
class ProductTime:
    """One product of a forward, computed alone.

    Attributes:
        name: As ``products.Product`` has it.
        count: How often a forward has it.
        flops: Of one.
        ways: Seconds of one by library and way.
    """

    name: str
    count: int
    flops: int
    ways: dict[str, Spread]

    @property
    def fastest(self) -> str:
        """The library and way with the least median."""
        return min(self.ways, key=lambda way: self.ways[way].median_s)

    @property
    def forward_s(self) -> float:
        """Seconds of all of them in one forward, in the fastest way."""
        return self.count * self.ways[self.fastest].median_s


@dataclass(frozen=True)
class Case:
    """A precision and a batch size: our forward, and beside it what it was compared with."""

    precision: Precision
    batch: int
    ours: Spread
    transformers: Spread | None = None
    products: tuple[ProductTime, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Our time in that of transformers."""
        return None if self.transformers is None else self.ours.median_s / self.transformers.median_s

    @property
    def ceiling_s(self) -> float | None:
        """The time that the matrix products alone take."""
        return sum(product.forward_s for product in self.products) or None

    @property
    def ceiling_flops_per_s(self) -> float | None:
        """The rate of the matrix products alone."""
        flops = sum(product.count * product.flops for product in self.products)
        return None if self.ceiling_s is None else flops / self.ceiling_s

    @property
    def share(self) -> float | None:
        """The ceiling in our time: 1 if all but the products cost nothing."""
        return None if self.ceiling_s is None else self.ceiling_s / self.ours.median_s

    def as_json(self) -> dict[str, Any]:
        """Return all of it with what follows from it."""
        products = [
            {**asdict(product), "fastest": product.fastest, "forward_s": product.forward_s}
            for product in self.products
        ]
        derived = ("ratio", "ceiling_s", "ceiling_flops_per_s", "share")
        return {**asdict(self), "products": products, **{name: getattr(self, name) for name in derived}}


@dataclass(frozen=True)
class Peak:
    """Resident memory of a process, see ``memory.measure_peak``."""

    loaded_bytes: int
    peak_bytes: int
    file_bytes: int

    @property
    def private_bytes(self) -> int:
        """The peak without the libraries' code."""
        return self.peak_bytes - self.file_bytes

    @property
    def above_loaded_bytes(self) -> int:
        """What computing took beyond the loaded model."""
        return self.peak_bytes - self.loaded_bytes


@dataclass(frozen=True)
class Memory:
    """Peaks of both at one precision and batch size."""

    precision: Precision
    batch: int
    ours: Peak
    transformers: Peak

    @property
    def ratio(self) -> float:
        """Our peak in that of transformers: of the whole process."""
        return self.ours.peak_bytes / self.transformers.peak_bytes

    @property
    def ratio_private(self) -> float:
        """The same without the libraries' code."""
        return self.ours.private_bytes / self.transformers.private_bytes

    @property
    def ratio_above_loaded(self) -> float:
        """The same of what was taken beyond the loaded model."""
        return self.ours.above_loaded_bytes / max(self.transformers.above_loaded_bytes, 1)

    def as_json(self) -> dict[str, Any]:
        """Return all of it with what follows from it."""
        derived = ("ratio", "ratio_private", "ratio_above_loaded")
        return {**asdict(self), **{name: getattr(self, name) for name in derived}}


@dataclass(frozen=True)
class Agreement:
    """How far two outputs of one model are apart: the largest difference in the largest value."""

    precision: Precision
    tokens: float
    logits: float


@dataclass(frozen=True)
class PresetResult:
    """All that was measured of one preset.

    Attributes:
        preset: Its name.
        agreement: Of our outputs and those of transformers.
        cases: In the order of precision and batch size.
        memory: None where the system does not tell.
        profiles: By precision, rows of ``profile.profile``.
        others_share: What share of the processors other processes took in the meantime, if known.
    """

    preset: str
    agreement: tuple[Agreement, ...]
    cases: tuple[Case, ...]
    memory: tuple[Memory, ...] = ()
    profiles: dict[Precision, list[dict[str, Any]]] = field(default_factory=dict)
    others_share: float | None = None

    def case(self, precision: Precision, batch: int) -> Case | None:
        """Return a case, if it was measured."""
        return next((case for case in self.cases if (case.precision, case.batch) == (precision, batch)), None)

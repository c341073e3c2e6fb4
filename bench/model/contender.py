"""What a measured process is told, and what it can be asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.model.products import Clip
from worker.model.presets import Preset

Kind = Literal["ours", "transformers", "tensorflow-products", "torch-products"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Setup:
    """What all contenders of one comparison have in common."""

    preset: Preset
    clip: Clip
    precision: Precision
    threads: int

    def as_json(self) -> dict[str, Any]:
        """Return what ``from_json`` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Setup:
        """Return the setup that a parent process has sent."""
        preset, clip = Preset(**document.pop("preset")), Clip(**document.pop("clip"))
        return cls(preset=preset, clip=clip, **document)


class Contender(Protocol):
    """Something to be timed, in a process of its own."""

    def prepare(self, batch: int) -> None:
        """Do once whatever a batch of this size needs, and run it."""

    def sample(self, batch: int) -> dict[str, float]:
        """Run once; return seconds by name: ``forward`` of a model, or of each product."""

    def outputs(self, batch: int) -> dict[str, NDArray[np.float32]]:
        """Return ``tokens`` and ``logits``; nothing where there are none."""


def create(kind: Kind, setup: Setup) -> Contender:
    """Load what a contender needs; each library is imported in the process that measures it only."""
    if kind == "ours":
        from bench.model.ours import Ours  # noqa: PLC0415 - brings TensorFlow

        return Ours(setup)
    if kind == "transformers":
        from bench.model.reference import Reference  # noqa: PLC0415 - brings torch

        return Reference(setup)
    if kind == "tensorflow-products":
        from bench.model.tensorflow_products import TensorFlowProducts  # noqa: PLC0415 - brings TensorFlow

        return TensorFlowProducts(setup)
    from bench.model.torch_products import TorchProducts  # noqa: PLC0415 - brings torch

    return TorchProducts(setup)

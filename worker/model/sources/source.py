"""What a file of somebody else's weights holds, before any number of it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from shared.catalog import Normalisation

Kind = Literal["pytorch", "safetensors", "savedmodel", "keras-h5"]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Stored:
    """A tensor of the source: its shape, and numpy's name of its type."""

    shape: Shape
    dtype: str


@dataclass(frozen=True)
class Facts:
    """What the files beside the tensors say; None or nothing where they do not.

    Attributes:
        width: Values a token.
        depth: Blocks.
        heads: Attention heads of a block.
        labels: How many outputs the head has.
        label_names: Their names, in order.
        normalisation: What pixels in [0, 1] are shifted and divided by.
        licence: Of the weights.
    """

    width: int | None = None
    depth: int | None = None
    heads: int | None = None
    labels: int | None = None
    label_names: tuple[str, ...] = ()
    normalisation: Normalisation | None = None
    licence: str | None = None


@dataclass(frozen=True)
class Source:
    """Somebody else's weights, recognised and listed.

    Attributes:
        path: As it was given.
        kind: What holds the tensors.
        files: The files that count: ``path`` itself, or those of the folder that are read.
        tensors: By the source's own names, in its order.
        read: Returns a tensor by its name, in its own type; what it raises depends on the kind.
        facts: What is known beside the tensors.
    """

    path: Path
    kind: Kind
    files: tuple[Path, ...]
    tensors: Mapping[str, Stored]
    read: Callable[[str], NDArray[Any]]
    facts: Facts = field(default_factory=Facts)

"""What the module of a data set offers: how to recognise its folder, and how to read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from training.datasets.options import Options
from training.datasets.problem import Problem
from training.datasets.sample import Sample


@dataclass
class Reading:
    """What a layout found in a folder, before it is checked as a whole.

    Attributes:
        samples: In any order.
        problems: What was wrong.
        named: Files that should be there, as tables or the files that are there tell; 0: nothing tells.
        name: Of the data set, where the folder decides it (a manifest); empty: the layout's.
        labels: Classes, where the folder decides them; empty: the layout's.
        folds: How many folds; 0: none are given.
        fold_source: Where they come from.
    """

    samples: list[Sample] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    named: int = 0
    name: str = ""
    labels: tuple[str, ...] = ()
    folds: int = 0
    fold_source: str = ""


@dataclass(frozen=True)
class Layout:
    """A data set as it is published.

    Attributes:
        name: Short name; also that of its samples.
        title: As people write it.
        labels: Its classes; empty where the folder decides.
        expects: What a folder of it holds, for the message that a folder does not.
        recognises: Whether files (paths below the folder) are this data set's.
        read: Reads the folder.
        aliases: Other names.
        options: What it takes beside the common options.
        label_sources: What ``labels_from`` may be, the usual one first; empty: there is one source only.
        clips: How many were published, songs aside; None: not known.
    """

    name: str
    title: str
    labels: tuple[str, ...]
    expects: str
    recognises: Callable[[Path, list[Path]], bool]
    read: Callable[[Path, Options], Reading]
    aliases: tuple[str, ...] = ()
    options: frozenset[str] = frozenset({"fold_file"})
    label_sources: tuple[str, ...] = ()
    clips: int | None = None

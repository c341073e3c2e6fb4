"""One sample of a data set: where it lies, what is said of it, and who said so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

AffectSource = Literal["annotated", "class_constant"]
"""Where valence and arousal come from; ``class_constant`` is a pseudo-label: the same number for a class."""

SplitName = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Still:
    """A single picture.

    Attributes:
        path: An image file, an ``.npz`` or a ``.csv``.
        index: Number of the image in the ``.npz`` or of the row in the ``.csv``, from 0; None: an image file.
    """

    path: Path
    index: int | None


@dataclass(frozen=True)
class Sample:
    """A clip, a sound or a picture, with what is known of it.

    Attributes:
        id: Unique in its data set, the same on every machine, safe as a file's name.
        dataset: Name of the data set it comes from.
        video: A clip with pictures; its sound is used too, unless ``audio`` is given.
        audio: A sound file.
        still: A single picture; ``video`` and ``audio`` are None then.
        emotions: Label -> share, summing to 1: ties and compounds share. None without a label.
        label_source: Where the label comes from, such as ``file name`` or ``crowd votes``.
        speaker: Name of the data set, a slash, and who is seen or heard; None where nobody knows.
        fold: The fold, from 1, that tests it. None: never tested (always training), or ``split`` is set.
        split: Part of an official split.
        valence: -1 to 1; None without.
        arousal: -1 to 1; None without.
        affect_source: Where those two come from; None without.
        details: Whatever else is known, such as sentence, level, sex and language.
    """

    id: str
    dataset: str
    video: Path | None = None
    audio: Path | None = None
    still: Still | None = None
    emotions: Mapping[str, float] | None = None
    label_source: str = ""
    speaker: str | None = None
    fold: int | None = None
    split: SplitName | None = None
    valence: float | None = None
    arousal: float | None = None
    affect_source: AffectSource | None = None
    details: Mapping[str, str] = field(default_factory=dict)

"""A picture of a data set of stills, before copies are dropped."""

from __future__ import annotations

from typing import NamedTuple

from training.datasets.sample import SplitName, Still


class Picture(NamedTuple):
    """One picture.

    Attributes:
        id: As ``Sample.id``.
        still: Where it is.
        emotion: Its label.
        split: The part it stands in.
        digest: Hash of its pixels or of its file: copies have the same.
        label_source: As ``Sample.label_source``.
    """

    id: str
    still: Still
    emotion: str
    split: SplitName
    digest: bytes
    label_source: str

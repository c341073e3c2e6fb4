"""Sizes of the encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True)
class Preset:
    """One size of the encoder.

    Attributes:
        name: As checkpoints name it.
        width: Numbers a token.
        depth: Blocks.
        heads: Attention heads; they share the width.
        stem: How pixels become tokens: VideoMAE's own ``patches``, or a ``convolutional`` stem.
    """

    name: str
    width: int
    depth: int
    heads: int
    stem: Literal["patches", "convolutional"] = "patches"


# Source: github.com/MCG-NJU/VideoMAE; nano and tiny are ours, with no public weights. Small has 6 heads,
# though a widespread converted configuration says 16: shapes agree with both, results do not.
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            # For a processor core in real time, and for data too few to learn filters from patches.
            Preset("nano", 128, 4, 4, stem="convolutional"),
            Preset("tiny", 192, 12, 3),
            Preset("small", 384, 12, 6),
            Preset("base", 768, 12, 12),
            Preset("large", 1024, 24, 16),
            Preset("huge", 1280, 32, 16),
        )
    }
)

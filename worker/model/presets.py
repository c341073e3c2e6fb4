"""Sizes of the encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Preset:
    """One size of the encoder.

    Attributes:
        name: As checkpoints name it.
        width: Numbers a token.
        depth: Blocks.
        heads: Attention heads; they share the width.
    """

    name: str
    width: int
    depth: int
    heads: int


# Source: github.com/MCG-NJU/VideoMAE; tiny is ours, with no public weights. Small has 6 heads, though
# a widespread converted configuration says 16: shapes agree with both, results do not.
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            Preset("tiny", 192, 12, 3),
            Preset("small", 384, 12, 6),
            Preset("base", 768, 12, 12),
            Preset("large", 1024, 24, 16),
            Preset("huge", 1280, 32, 16),
        )
    }
)

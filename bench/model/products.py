"""The matrix products of one forward, which bound its time from below."""

from __future__ import annotations

from dataclasses import dataclass

from worker.model.block import MLP_RATIO
from worker.model.patches import PATCH_VALUES, token_grid
from worker.model.presets import Preset


@dataclass(frozen=True)
class Clip:
    """Frames and pixels a side of what goes in."""

    frames: int = 16
    size_px: int = 224

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Frames, height, width, channels."""
        return self.frames, self.size_px, self.size_px, 3

    @property
    def tokens(self) -> int:
        """Tokens that the encoder makes of it."""
        t, h, w = token_grid(*self.shape[:3])
        return t * h * w


@dataclass(frozen=True)
class Product:
    """(groups, rows, inner) times (groups, inner, columns).

    Attributes:
        name: What the model does with it.
        groups: Products of this shape at a time; 1 where the second factor is a weight.
        rows: Rows of the first factor.
        inner: Columns of the first, rows of the second.
        columns: Columns of the second.
        count: How often one forward has it.
    """

    name: str
    groups: int
    rows: int
    inner: int
    columns: int
    count: int

    @property
    def flops(self) -> int:
        """Multiplications and additions of one."""
        return 2 * self.groups * self.rows * self.inner * self.columns


def forward_products(preset: Preset, clip: Clip, batch: int) -> list[Product]:
    """Return all matrix products of a forward but the head's, which is too small to count."""
    width, depth, heads, tokens = preset.width, preset.depth, preset.heads, clip.tokens
    rows, dim, hidden = batch * tokens, width // heads, MLP_RATIO * width
    return [
        Product("patches", 1, rows, PATCH_VALUES, width, 1),
        Product("qkv", 1, rows, width, 3 * width, depth),
        Product("scores", batch * heads, tokens, dim, tokens, depth),
        Product("values", batch * heads, tokens, tokens, dim, depth),
        Product("projection", 1, rows, width, width, depth),
        Product("fc1", 1, rows, width, hidden, depth),
        Product("fc2", 1, rows, hidden, width, depth),
    ]


def forward_flops(preset: Preset, clip: Clip, batch: int) -> int:
    """Return multiplications and additions of all of them: twice what papers call FLOPs."""
    return sum(product.flops * product.count for product in forward_products(preset, clip, batch))

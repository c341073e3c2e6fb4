"""The matrix products of one forward: no forward can be faster than they are alone."""

from __future__ import annotations

from dataclasses import dataclass

from shared.catalog.config import PATCH_SIDE_PX, TUBELET_FRAMES
from worker.model.presets import Preset

# Written out: the modules of the model that know them bring TensorFlow, which only the measured
# process may load. A test holds them to the model.
CHANNELS = 3
MLP_RATIO = 4

# Scores of all queries at once do not stay in a processor's cache; scores of so many do.
CHUNK_ROWS = 392


@dataclass(frozen=True)
class Clip:
    """The size of what goes in: frames, and pixels a side."""

    frames: int = 16
    size_px: int = 224

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Frames, height, width, channels."""
        return self.frames, self.size_px, self.size_px, CHANNELS

    @property
    def tokens(self) -> int:
        """How many tokens the encoder makes of it."""
        return self.frames // TUBELET_FRAMES * (self.size_px // PATCH_SIDE_PX) ** 2


@dataclass(frozen=True)
class Product:
    """(groups, rows, inner) times (groups, inner, columns).

    Attributes:
        name: What it is in the model.
        groups: Products of this shape at a time; 1 where the second factor is a weight.
        rows: Rows of the first factor.
        inner: Columns of the first factor, rows of the second.
        columns: Columns of the second factor.
        count: How often a forward has it.
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

    @property
    def chunk_rows(self) -> int:
        """The largest divisor of the rows that is no more than ``CHUNK_ROWS``."""
        return max(size for size in range(1, min(self.rows, CHUNK_ROWS) + 1) if self.rows % size == 0)


def forward_products(preset: Preset, clip: Clip, batch: int) -> list[Product]:
    """Return every matrix product of a forward but the head's, which is too small to count."""
    width, depth, heads, tokens = preset.width, preset.depth, preset.heads, clip.tokens
    rows, dim, hidden = batch * tokens, width // heads, MLP_RATIO * width
    patch_values = TUBELET_FRAMES * PATCH_SIDE_PX**2 * CHANNELS
    return [
        Product("patches", 1, rows, patch_values, width, 1),
        Product("qkv", 1, rows, width, 3 * width, depth),
        Product("scores", batch * heads, tokens, dim, tokens, depth),
        Product("values", batch * heads, tokens, tokens, dim, depth),
        Product("projection", 1, rows, width, width, depth),
        Product("fc1", 1, rows, width, hidden, depth),
        Product("fc2", 1, rows, hidden, width, depth),
    ]


def forward_flops(preset: Preset, clip: Clip, batch: int) -> int:
    """Return the multiplications and additions of all of them: twice what papers call FLOPs."""
    return sum(product.flops * product.count for product in forward_products(preset, clip, batch))

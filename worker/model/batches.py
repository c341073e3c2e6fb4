"""How many windows go through the model at a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Batch:
    """Windows ``start`` to ``stop``, run as ``size`` of them: the rest is padding."""

    start: int
    stop: int
    size: int


def batch_sizes(largest: int) -> tuple[int, ...]:
    """Return the only sizes that the model is run with: 1, 2, 4, ... up to ``largest``, and that."""
    return (*(1 << power for power in range((largest - 1).bit_length())), largest)


def plan_batches(count: int, largest: int, padding_share: float) -> list[Batch]:
    """Return batches that cover ``count`` windows, each of one of the fixed sizes.

    Args:
        count: Windows to run.
        largest: Most windows in a batch.
        padding_share: Most of a batch that may be padding, 0 to 1. What is left over is padded to the
            next size within that share, and cut into smaller batches beyond it.
    """
    sizes = batch_sizes(largest)
    batches: list[Batch] = []
    start = 0
    while start < count:
        left = count - start
        padded = min((size for size in sizes if size >= left), default=None)
        if padded is None or padded - left > padding_share * padded:
            padded = max(size for size in sizes if size <= left)
        stop = min(count, start + padded)
        batches.append(Batch(start, stop, padded))
        start = stop
    return batches

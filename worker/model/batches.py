"""How many windows go through the model at a time."""

from __future__ import annotations

from dataclasses import dataclass

from worker.model.hardware import Gpu

# On a processor the time of a batch grows with its size: beyond an eighth, padding costs more than it
# saves. On a card it grows less than that, and fewer, larger batches are always faster.
CPU_PADDING_SHARE = 1 / 8
GPU_PADDING_SHARE = 1.0
# A window of 16x224x224, two of 16x160x160, four of 16x112x112: this keeps a processor busy. Measured on
# 2 cores, processor time a window: four of 16x224 at a time take as long in float32 and a fifth longer in
# bfloat16 (base; a third, small), and three times the memory; one of 16x112 at a time takes a fifth
# longer than four (tiny).
CPU_TOKENS = 1600


@dataclass(frozen=True)
class Batching:
    """In which batches windows are run.

    Attributes:
        largest: Most windows in a batch.
        padding_share: Most of a batch that may be padding, 0 to 1. What is left over is padded to the
            next size within that share, and cut into smaller batches beyond it.
    """

    largest: int = 8
    padding_share: float = CPU_PADDING_SHARE

    @property
    def sizes(self) -> tuple[int, ...]:
        """The only sizes that the model is run with: 1, 2, 4, ... up to ``largest``, and that."""
        return (*(1 << power for power in range((self.largest - 1).bit_length())), self.largest)


@dataclass(frozen=True)
class Batch:
    """Windows ``start`` to ``stop``, run as ``size`` of them: the rest is padding."""

    start: int
    stop: int
    size: int


def plan_batches(count: int, batching: Batching) -> list[Batch]:
    """Return batches that cover ``count`` windows, each of one of the fixed sizes."""
    sizes = batching.sizes
    batches: list[Batch] = []
    start = 0
    while start < count:
        left = count - start
        padded = min((size for size in sizes if size >= left), default=None)
        if padded is None or padded - left > batching.padding_share * padded:
            padded = max(size for size in sizes if size <= left)
        stop = min(count, start + padded)
        batches.append(Batch(start, stop, padded))
        start = stop
    return batches


def choose_batching(largest: int, tokens: int, gpu: Gpu | None) -> Batching:
    """Return in which batches windows run fastest.

    Args:
        largest: Most windows in a batch.
        tokens: Of a window, as many as the encoder has before it at a time.
        gpu: The card that computes, None for the processor.
    """
    if gpu is not None:
        return Batching(largest, GPU_PADDING_SHARE)
    return Batching(min(largest, rows_on_cpu(tokens)), CPU_PADDING_SHARE)


def rows_on_cpu(tokens: int) -> int:
    """Return how many windows of so many tokens a processor had best run at a time, 1 at least."""
    return max(1, CPU_TOKENS // tokens)

"""How large the model's batches are, and how long it takes for one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Histogram

from shared.tracing import part

BATCH_WINDOWS = Histogram(
    "avemotion_model_batch_windows", "Windows of one model batch.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
MODEL_SECONDS = Histogram(
    "avemotion_model_seconds",
    "Time of the model for one batch, without reading its inputs.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)


@contextmanager
def observed_batch(windows: int) -> Iterator[None]:
    """Observe the time of a block that runs the model once; one that fails does not count."""
    started = time.perf_counter()
    with part("model", batch_windows=windows):
        yield
    MODEL_SECONDS.observe(time.perf_counter() - started)
    BATCH_WINDOWS.observe(windows)

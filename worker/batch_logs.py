"""What log lines of a model batch carry: it has windows of several jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog

from shared.tables import StageName
from worker.window_lease import WindowClaim


@contextmanager
def about_batch(windows: Sequence[WindowClaim]) -> Iterator[None]:
    """Have each log line of the block carry the ids of all jobs and segments in the batch."""
    with structlog.contextvars.bound_contextvars(
        stage=StageName.INFERENCE.value,
        job_ids=sorted({str(window.job_id) for window in windows}),
        segment_ids=sorted({str(window.segment_id) for window in windows}),
    ):
        yield

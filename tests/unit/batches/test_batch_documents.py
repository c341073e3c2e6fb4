from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.batch_documents import Group, document_of, eta_s, rate_per_s
from shared.schemas.batches import BatchDocument
from shared.tables import Batch, JobStatus

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
BATCH_ID = UUID(int=1)


def group(status: JobStatus, jobs: int, **more: Any) -> Group:
    values = {"error_code": None, "recent": 0, "first_start": None, "last_end": None}
    return Group(batch_id=BATCH_ID, status=status, jobs=jobs, **(values | more))


def batch(*, closed: bool = False) -> Batch:
    start = NOW - timedelta(hours=1)
    return Batch(id=BATCH_ID, name="some", created_at=start, closed_at=start if closed else None)


def test_document() -> None:
    """Counts add up, errors come most frequent first, and the time left follows from the rate."""
    groups = [
        group(JobStatus.QUEUED, 5),
        group(JobStatus.RUNNING, 1, first_start=NOW),
        group(JobStatus.SUCCEEDED, 10, recent=9, first_start=NOW - timedelta(minutes=9), last_end=NOW),
        group(JobStatus.FAILED, 1, error_code="no_sound", recent=1),
        group(JobStatus.FAILED, 2, error_code="no_face_found", recent=2),
        group(JobStatus.CANCELLED, 1),
    ]
    document = document_of(batch(), groups, NOW)
    BatchDocument.model_validate(document)
    assert document["counts"] == {
        "queued": 5,
        "running": 1,
        "succeeded": 10,
        "failed": 3,
        "cancelled": 1,
        "total": 20,
    }
    assert list(document["errors"].items()) == [("no_face_found", 2), ("no_sound", 1)]
    assert (document["progress"], document["rate_per_s"], document["eta_s"]) == (0.7, 0.2, 30.0)


def test_progress_is_1_at_the_end_only() -> None:
    """One job of thousands that has not ended keeps progress below 1."""
    groups = [group(JobStatus.SUCCEEDED, 9999), group(JobStatus.RUNNING, 1)]
    assert document_of(batch(), groups, NOW)["progress"] == 0.999
    assert document_of(batch(), groups[:1], NOW)["progress"] == 1


@pytest.mark.parametrize(
    ("closed", "groups", "finished"),
    [
        (False, [group(JobStatus.SUCCEEDED, 1, last_end=NOW)], None),
        (True, [group(JobStatus.SUCCEEDED, 1, last_end=NOW), group(JobStatus.QUEUED, 1)], None),
        (True, [group(JobStatus.SUCCEEDED, 1, last_end=NOW)], NOW),
        (
            True,
            [group(JobStatus.FAILED, 1, last_end=NOW - timedelta(days=1))],
            NOW - timedelta(hours=1),
        ),
        (True, [], NOW - timedelta(hours=1)),
    ],
)
def test_when_it_finished(*, closed: bool, groups: list[Group], finished: datetime | None) -> None:
    """A batch is finished when it is closed and its last job has ended, whichever comes later."""
    found = document_of(batch(closed=closed), groups, NOW)["finished_at"]
    assert found == (finished.isoformat() if finished else None)


@pytest.mark.parametrize(
    ("first_start", "rate"),
    [
        (None, 0.0),
        (NOW, 30.0),
        (NOW - timedelta(seconds=10), 3.0),
        (NOW - timedelta(hours=1), 0.5),
    ],
)
def test_rate(first_start: datetime | None, rate: float) -> None:
    """The rate is of the last minute, or of the time since work began if that is shorter."""
    assert rate_per_s([group(JobStatus.SUCCEEDED, 99, recent=30, first_start=first_start)], NOW) == rate


@pytest.mark.parametrize(("left", "rate", "eta"), [(0, 0.0, 0.0), (10, 0.0, None), (10, 4.0, 2.5)])
def test_eta(left: int, rate: float, eta: float | None) -> None:
    """The time left is nothing at the end, and unknown while nothing has ended."""
    assert eta_s(left, rate) == eta

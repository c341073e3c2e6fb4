"""Jobs whose media were lost on the way end at once, typed, and are not tried again."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from shared.database import transact
from shared.errors import AvemotionError, ErrorCode
from shared.tables import Job, StageName, Upload
from tests.integration.worker.conftest import LEASE_S, NewJob
from worker.assignment import Assignment, read_assignment
from worker.lease import Refusal, claim
from worker.media.sandbox import no_checkpoint
from worker.stages import ingest
from worker.stages.media_file import media_file
from worker.toolkit import Toolkit


def open_missing(kit: Toolkit) -> None:
    with media_file(Upload(id=uuid4()), kit):
        pass


def test_a_file_that_is_gone_is_no_fault_of_the_storage(kit: Toolkit) -> None:
    """No new try would bring it back: the error is typed, and not one that may pass."""
    with pytest.raises(AvemotionError) as caught:
        open_missing(kit)
    assert caught.value.code is ErrorCode.MEDIA_MISSING


def test_other_missing_files_are_not_taken_for_it(kit: Toolkit) -> None:
    """What a stage misses while it reads is left as it is."""
    upload = Upload(id=uuid4())
    kit.storage.write(upload.storage_key, b"x")

    def read_another() -> None:
        with media_file(upload, kit) as path:
            assert path.read_bytes() == b"x"
            path.with_name("no-program").stat()

    with pytest.raises(FileNotFoundError, match="no-program"):
        read_another()


def assignment_of(kit: Toolkit, job_id: UUID) -> Assignment:
    def take(session: Session) -> Assignment:
        taken = claim(session, StageName.INGEST, job_id, LEASE_S)
        assert not isinstance(taken, Refusal)
        return read_assignment(session, *taken)

    return transact(kit.engine, take)


@pytest.mark.parametrize("keep_row", [True, False])
def test_a_job_without_its_media(kit: Toolkit, new_job: NewJob, keep_row: bool) -> None:
    """Whether the file alone is gone, or the row with it, ingest says what is missing."""
    job_id = new_job()
    for name in kit.storage.names("uploads"):
        kit.storage.delete(f"uploads/{name}")
    if not keep_row:
        gone = update(Job).where(Job.id == job_id).values(video_id=None)
        transact(kit.engine, lambda session: session.execute(gone))

    with pytest.raises(AvemotionError) as caught:
        ingest.run(assignment_of(kit, job_id), kit, no_checkpoint)
    assert caught.value.code is ErrorCode.MEDIA_MISSING

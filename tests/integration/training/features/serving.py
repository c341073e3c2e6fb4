"""What the stages of a worker make of a clip, up to the model's inputs, in a real database and storage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.catalog import ModelCard
from shared.database import transact
from shared.lifecycle import open_job
from shared.settings import Settings, get_settings
from shared.sniff import HEAD_BYTES, sniff
from shared.tables import (
    Job,
    Prediction,
    Priority,
    Segment,
    Stage,
    StageName,
    Upload,
    UploadKind,
    UploadState,
)
from worker.arrays import StoredArray, read_array
from worker.runner import Work, run_stage, take_stage
from worker.stages import faces, fusion, ingest, sound
from worker.toolkit import Toolkit, toolkit

Inputs = dict[str, NDArray[Any]]
_WORK = {StageName.FACES: faces.run, StageName.SOUND: sound.run, StageName.FUSION: fusion.run}


@contextmanager
def a_worker(settings: Settings) -> Iterator[Toolkit]:
    """Let this process be a worker with these settings, as far as its stages can tell."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("database_url", "broker_url", "data_dir", "segment_s"):
            patch.setenv(f"AVEMOTION_{name.upper()}", str(getattr(settings, name)))
        get_settings.cache_clear()
        toolkit.cache_clear()
        yield toolkit()
        toolkit().engine.dispose()
    get_settings.cache_clear()
    toolkit.cache_clear()


def upload(kit: Toolkit, session: Session, kind: UploadKind, path: Path) -> Upload:
    """Store a file as the API would."""
    content = path.read_bytes()
    media_type = sniff(content[:HEAD_BYTES])
    assert media_type is not None
    row = Upload(
        kind=kind,
        state=UploadState.STORED,
        media_type=media_type.mime,
        demuxer=media_type.demuxer,
        size_bytes=len(content),
        # Each job has its own copy, where the API would know content again.
        sha256=uuid4().hex,
        expires_at=datetime.now(UTC) + timedelta(days=1),
    )
    session.add(row)
    session.flush()
    kit.storage.write(row.storage_key, content)
    return row


def run(name: StageName, key: UUID, work: Work) -> None:
    """Run one stage, as a process does that leaves the next one to others."""
    taken = take_stage(name, key)
    assert taken is not None
    run_stage(taken, work, stays=lambda _name, _job: False)


def served(
    kit: Toolkit, card: ModelCard, video: Path | None, audio: Path | None
) -> tuple[Inputs, list[list[str]]]:
    """Return the inputs that the stages before the model store, window by window, and their modalities."""

    def make(session: Session) -> UUID:
        job = Job(
            request_sha256="0",
            fusion=card.fusion,
            analyzer="landmarker",
            model=card.id,
            window_s=card.window_s,
            stride_s=card.window_s,
            priority=Priority.INTERACTIVE,
        )
        if video is not None:
            job.video_id = upload(kit, session, UploadKind.VIDEO, video).id
        if audio is not None:
            job.audio_id = upload(kit, session, UploadKind.AUDIO, audio).id
        open_job(session, job)
        return job.id

    job_id = transact(kit.engine, make)
    run(StageName.INGEST, job_id, ingest.run)
    segments = select(Segment.id).where(Segment.job_id == job_id).order_by(Segment.index)
    stored: dict[str, list[NDArray[Any]]] = defaultdict(list)
    for segment in transact(kit.engine, lambda session: session.scalars(segments).all()):
        stages = select(Stage.name).where(Stage.segment_id == segment)
        names = transact(kit.engine, lambda session: set(session.scalars(stages)))  # noqa: B023 - called at once
        for name, work in _WORK.items():
            if name in names:
                run(name, segment, work)
        outputs = select(Stage.output).where(Stage.segment_id == segment, Stage.name == StageName.FUSION)
        output = transact(kit.engine, lambda session: session.scalars(outputs).one())  # noqa: B023 - as above
        assert output is not None
        for name, array in output["inputs"].items():
            stored[name].append(read_array(kit.storage, StoredArray.from_json(array)))
    rows = (
        select(Prediction.modalities)
        .join(Segment, Segment.id == Prediction.segment_id)
        .where(Prediction.job_id == job_id)
        .order_by(Segment.index, Prediction.index)
    )
    modalities = transact(kit.engine, lambda session: list(session.scalars(rows)))
    return {name: np.concatenate(arrays) for name, arrays in stored.items()}, modalities

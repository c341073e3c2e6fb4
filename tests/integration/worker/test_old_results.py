"""Results go on naming what made them, whatever becomes of the model's folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select

from shared.catalog import load_catalog, read_card
from shared.database import transact
from shared.documents import job_document
from shared.schemas.jobs import ModelInfo
from shared.tables import Job, JobStatus, Prediction, WorkStatus
from tests.integration.worker.conftest import LEASE_S
from tests.integration.worker.test_window_claims import Fused, fused
from worker.model.engine import Predictions
from worker.stages.inference import Scored, write_predictions
from worker.stages.model_card import card_of
from worker.toolkit import Toolkit
from worker.window_lease import claim_windows

OLD, NEW = ["calm", "wild"], ["anger", "joy", "neutral"]
OLD_SHA256, NEW_SHA256 = "0" * 64, "1" * 64

__all__ = ["fused"]


@pytest.fixture
def kit(kit: Toolkit, tmp_path: Path) -> Toolkit:
    """A worker that serves models of a folder."""
    settings = kit.settings.model_copy(update={"models_dir": tmp_path / "models"})
    return Toolkit(settings, kit.engine, kit.storage)


def install(models_dir: Path, labels: list[str], weights_sha256: str, *, trained: bool) -> None:
    """Write the model ``mine``, in place of the one that stands there."""
    folder = models_dir / "mine"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    builtin = load_catalog(None)["videomae-tiny-untrained"].folder
    assert builtin is not None
    (folder / "model.weights.h5").write_bytes(b"weights")
    changes: dict[str, dict[str, Any]] = {
        "config.json": {"labels": labels},
        "card.json": {
            "id": "mine",
            "weights": "model.weights.h5",
            "weights_sha256": weights_sha256,
            "trained": trained,
            "warnings": [] if trained else ["untrained_model"],
            "affect_source": "annotated" if trained else None,
        },
    }
    for name, changed in changes.items():
        content = json.loads((builtin / name).read_bytes()) | changed
        (folder / name).write_text(json.dumps(content))
    read_card(folder)


def job_of(kit: Toolkit, segment: UUID) -> Job:
    job_id = select(Prediction.job_id).where(Prediction.segment_id == segment).limit(1).scalar_subquery()
    return transact(kit.engine, lambda session: session.scalars(select(Job).where(Job.id == job_id)).one())


def scored_windows(kit: Toolkit, segment: UUID) -> list[UUID]:
    scored = select(Prediction.id).where(
        Prediction.segment_id == segment, Prediction.status == WorkStatus.DONE
    )
    return transact(kit.engine, lambda session: list(session.scalars(scored)))


def name_model(kit: Toolkit, segment: UUID) -> None:
    """Write what ingest writes of the job's model."""

    def write(session: Any) -> None:
        job = session.get_one(Job, job_of(kit, segment).id)
        job.model_info = card_of(job.model, kit.settings).in_results()

    transact(kit.engine, write)


def score(kit: Toolkit) -> None:
    """Score all windows that are ready with the old model."""
    batch = transact(kit.engine, lambda session: claim_windows(session, 8, LEASE_S))
    assert batch is not None
    count = len(batch.windows)
    predictions = Predictions(
        np.tile(np.array([0.25, 0.75], np.float32), (count, 1)),
        np.zeros(count, np.float32),
        np.zeros(count, np.float32),
    )
    scored = Scored(batch, predictions, tuple(OLD), OLD_SHA256, 1.0)
    transact(kit.engine, lambda session: write_predictions(session, scored, kit.settings))


@pytest.mark.parametrize("fate", ["replaced", "removed"])
def test_a_result_outlives_its_model(kit: Toolkit, fused: Fused, fate: str) -> None:
    """A document still has the labels, hash and training of the model that made it, not of a later one."""
    models_dir = kit.settings.models_dir
    assert models_dir is not None
    install(models_dir, OLD, OLD_SHA256, trained=True)
    [segment] = fused(model="mine", duration_s=2)
    name_model(kit, segment)
    score(kit)

    if fate == "replaced":
        install(models_dir, NEW, NEW_SHA256, trained=False)
        assert load_catalog(models_dir)["mine"].weights_sha256 == NEW_SHA256
    else:
        shutil.rmtree(models_dir / "mine")

    job = job_of(kit, segment)
    assert job.status is JobStatus.SUCCEEDED
    document = job_document(job)
    told = ModelInfo.model_validate(document["model"])
    assert (told.id, told.labels, told.weights_sha256, told.trained) == ("mine", OLD, OLD_SHA256, True)
    assert list(document["summary"]["probabilities"]) == OLD


def test_cards_and_results_say_the_same(tmp_path: Path) -> None:
    """What a card says in results is the schema of results."""
    install(tmp_path, OLD, OLD_SHA256, trained=True)
    card = read_card(tmp_path / "mine")

    assert ModelInfo.model_validate(card.in_results()).model_dump() == card.in_results()
    assert card.in_results()["weights_sha256"] == OLD_SHA256


def test_a_job_is_not_scored_by_another_model_than_it_names(kit: Toolkit, fused: Fused) -> None:
    """A job whose model was replaced between its first stage and its last fails; no result mixes two."""
    models_dir = kit.settings.models_dir
    assert models_dir is not None
    install(models_dir, NEW, NEW_SHA256, trained=True)
    [segment] = fused(model="mine", duration_s=2)
    name_model(kit, segment)

    score(kit)

    job = job_of(kit, segment)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "model_unavailable")
    assert "replaced" in (job.error_message or "")
    assert not scored_windows(kit, segment)

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest

from shared.catalog import load_catalog
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from shared.storage import open_storage
from shared.tables import Job, Segment, StageName, Upload, UploadKind
from worker.assignment import Assignment
from worker.lease import Claim
from worker.stages import fusion, sound
from worker.toolkit import Toolkit

BUILTIN = load_catalog(None)["videomae-tiny-untrained"]


def make_assignment(name: StageName, **job: Any) -> Assignment:
    """Return a stage of a job with a voice that nobody has stored."""
    row = Job(id=uuid4(), attempt=1, **{"fusion": "early", "model": BUILTIN.id, **job})
    segment = Segment(id=uuid4(), index=0, start_s=0, end_s=2)
    return Assignment(
        claim=Claim(uuid4(), row.id, segment.id, name, 1),
        job=row,
        video=None,
        audio=Upload(id=uuid4(), kind=UploadKind.AUDIO),
        segment=segment,
        windows=(),
        outputs={},
        ahead=(),
    )


def make_kit(folder: Path, models_dir: Path | None = None) -> Toolkit:
    """Return what a stage is given, without a database."""
    settings = Settings(data_dir=folder, models_dir=models_dir)
    return Toolkit(settings, cast("Any", None), open_storage(settings.resolved_storage_url))


def run_nothing() -> None:
    """Be a checkpoint that never objects."""


def test_a_model_of_another_fusion_than_the_jobs_is_not_used(tmp_path: Path) -> None:
    """A model that an operator replaced while a job waited ends the job with a sentence, and no numbers."""
    with pytest.raises(AvemotionError, match="knows early fusion now, and the job was made for") as caught:
        fusion.run(make_assignment(StageName.FUSION, fusion="late"), make_kit(tmp_path), run_nothing)

    assert caught.value.code is ErrorCode.MODEL_UNAVAILABLE


def test_a_model_made_for_other_sound_hears_nothing_here(tmp_path: Path) -> None:
    """A checkpoint whose features this version does not compute is refused before the sound is decoded."""
    assert BUILTIN.folder is not None
    folder = tmp_path / "models" / "other-ears"
    folder.mkdir(parents=True)
    config, card = (json.loads((BUILTIN.folder / name).read_text()) for name in ("config.json", "card.json"))
    config["audio"]["hop_samples"] = 320
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "card.json").write_text(json.dumps(card | {"id": "other-ears", "weights_sha256": None}))
    assignment = make_assignment(StageName.SOUND, model="other-ears")

    with pytest.raises(AvemotionError, match="other-ears was made for sound with hop_samples 320") as caught:
        sound.run(assignment, make_kit(tmp_path, tmp_path / "models"), run_nothing)

    assert caught.value.code is ErrorCode.MODEL_UNAVAILABLE

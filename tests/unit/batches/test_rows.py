from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.rows import columns_of, row_of, type_of
from shared.tables import Job, JobStatus

LABELS = ["joy", "anger"]
JOB_ID = UUID(int=7)


def scored(**more: Any) -> Job:
    """Return a job with a result."""
    values = {
        "id": JOB_ID,
        "reference": "clips/a.mp4",
        "status": JobStatus.SUCCEEDED,
        "model": "some",
        "summary": {
            "emotion": "anger",
            "probabilities": {"anger": 1, "joy": 0},
            "valence": -0.5,
            "arousal": 0,
            "confidence": 1,
        },
        "media": {"duration_s": 4},
        "analyzer_info": {"usable_frames": 1, "frames": 3},
        "model_info": {"id": "some", "trained": True, "labels": ["anger", "joy"]},
        "warnings": [{"code": "no_sound_stream", "message": "…"}, {"code": "short_clip", "message": "…"}],
    }
    return Job(**(values | more))


def test_row_of_a_result() -> None:
    """A job with a result gives its summary, flat, in the order of the columns."""
    row = row_of(scored(), LABELS, ["audio", "video"])
    assert list(row) == columns_of(LABELS)
    assert row == {
        "path": "clips/a.mp4",
        "job_id": str(JOB_ID),
        "status": "succeeded",
        "error_code": None,
        "error_message": None,
        "emotion": "anger",
        "p_joy": 0.0,
        "p_anger": 1.0,
        "valence": -0.5,
        "arousal": 0.0,
        "confidence": 1.0,
        "duration_s": 4.0,
        "faces_usable": 0.33333,
        "modalities": "video+audio",
        "model_id": "some",
        "trained": True,
        "warnings": "no_sound_stream;short_clip",
    }


def test_row_of_a_failure() -> None:
    """A job that failed before its media were seen gives its error, and nothing that is not known."""
    job = Job(
        id=JOB_ID,
        status=JobStatus.FAILED,
        model="some",
        error_code="media_unreadable",
        error_message="It is damaged.",
        warnings=[],
    )
    row = row_of(job, LABELS)
    known = {name: value for name, value in row.items() if value is not None}
    assert list(row) == columns_of(LABELS)
    assert known == {
        "job_id": str(JOB_ID),
        "status": "failed",
        "error_code": "media_unreadable",
        "error_message": "It is damaged.",
        "model_id": "some",
    }


def test_sound_alone_has_no_faces() -> None:
    """The share of usable frames is not known where no frame was looked at."""
    for info in (None, {"usable_frames": 0, "frames": 0}):
        assert row_of(scored(analyzer_info=info), LABELS, ["audio"])["faces_usable"] is None


def test_a_label_that_the_model_does_not_know() -> None:
    """A column of another model's label stays empty."""
    assert row_of(scored(), ["contempt"])["p_contempt"] is None


def test_values_have_the_types_of_their_columns() -> None:
    """Each value is of its column's type, whole numbers too."""
    row = row_of(scored(), LABELS, ["video"])
    wrong = [name for name, value in row.items() if value is not None and type(value) is not type_of(name)]
    assert wrong == []

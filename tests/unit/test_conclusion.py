"""What a job's windows say together."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import ErrorCode
from shared.tables import Prediction
from worker.conclusion import analyzer_document, nothing_to_score, summarise, warnings_of, weight


def window(happy: float, **values: Any) -> Prediction:
    given = {
        "modalities": ["video"],
        "face_coverage": 1.0,
        "voice_activity": 0.0,
        "valence": 0.0,
        "arousal": 0.0,
    }
    return Prediction(probabilities={"happiness": happy, "sadness": 1 - happy}, **{**given, **values})


def faces(usable: int, most: int = 1) -> dict[str, Any]:
    analyzer = {"name": "landmarker", "version": "1"}
    return {"analyzer": analyzer, "frames": 100, "usable_frames": usable, "most_faces": most}


def test_a_summary_is_the_mean_of_its_windows() -> None:
    """Windows of equal weight count equally, and the probabilities still add up."""
    summary = summarise([window(0.9, valence=0.5), window(0.3, valence=-0.1)])

    assert summary["probabilities"] == {"happiness": 0.6, "sadness": 0.4}
    assert (summary["emotion"], summary["confidence"]) == ("happiness", 0.6)
    assert summary["valence"] == pytest.approx(0.2)


def test_a_window_counts_by_what_was_seen_or_heard() -> None:
    """A window without face and with little voice counts for little, but not for nothing."""
    seen = window(1.0)
    hardly = window(0.0, modalities=["audio"], face_coverage=1.0, voice_activity=0.1)
    nothing = window(0.0, modalities=["audio"], voice_activity=0.0)

    assert [weight(w) for w in (seen, hardly, nothing)] == [1.0, 0.1, 0.05]
    assert summarise([seen, hardly])["probabilities"]["happiness"] == pytest.approx(1 / 1.1, abs=1e-4)


@pytest.mark.parametrize(
    ("seen", "codes"),
    [
        ([faces(100)], []),
        ([faces(0)], ["no_face"]),
        ([faces(100), faces(50)], ["face_partly"]),
        ([faces(95, most=2)], ["several_faces"]),
    ],
)
def test_warnings_say_how_well_the_face_was_seen(seen: list[dict[str, Any]], codes: list[str]) -> None:
    """Frames of all segments are counted together."""
    assert [warning["code"] for warning in warnings_of(seen, [{"silent": False}])] == codes


def test_silence_is_warned_of_only_where_all_of_it_is_silent() -> None:
    """A silent minute of an hour is no warning."""
    assert warnings_of([], [{"silent": True}, {"silent": False}]) == []
    assert [w["code"] for w in warnings_of([], [{"silent": True}])] == ["silent_sound"]


def test_the_error_of_a_job_without_scores_says_what_was_missing() -> None:
    """A picture without a face, or a sound without a voice."""
    assert nothing_to_score([faces(0)], [])[0] is ErrorCode.NO_FACE_FOUND
    assert "no sound" in nothing_to_score([faces(0)], [])[1]
    assert "silent" in nothing_to_score([faces(0)], [{"silent": True}])[1]
    assert nothing_to_score([], [{"silent": True}])[0] is ErrorCode.NO_SOUND


def test_the_analyzer_of_a_job_sums_its_segments() -> None:
    """Frames are added up, faces are not."""
    assert analyzer_document([faces(90, most=1), faces(10, most=3)]) == {
        "name": "landmarker",
        "version": "1",
        "faces_found": 3,
        "usable_frames": 100,
        "frames": 200,
    }
    assert analyzer_document([]) is None

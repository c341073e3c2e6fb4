from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from shared.settings import Settings
from tests import media_factory
from tests.unit.training.datasets.samples import sample
from training.datasets.probing import Probed, probe_files
from training.datasets.sample import Sample, Still


def probed(folder: Path, *samples: Sample) -> Probed:
    return probe_files(folder, samples, Settings(), processes=2)


def test_lengths_and_silent_videos_are_found(tmp_path: Path) -> None:
    """A video with sound, one without, one without but with a sound file beside it, and a sound."""
    media_factory.video(tmp_path / "heard.mp4", frames=50, sound=True)
    media_factory.video(tmp_path / "mute.mp4", frames=25)
    media_factory.audio(tmp_path / "sound.wav")

    found = probed(
        tmp_path,
        sample("heard", video=tmp_path / "heard.mp4"),
        sample("mute", video=tmp_path / "mute.mp4"),
        sample("both", video=tmp_path / "mute.mp4", audio=tmp_path / "sound.wav"),
        sample("sound", audio=tmp_path / "sound.wav"),
    )

    assert found.problems == ()
    assert found.without_sound == ("mute",)
    assert {name: round(length) for name, length in found.lengths_s.items()} == {
        "heard": 2,
        "mute": 1,
        "both": 1,
        "sound": round(found.lengths_s["sound"]),
    }


def test_files_that_cannot_be_read_are_told_by_name(tmp_path: Path) -> None:
    """Words, a recording that was cut off, a video whose pictures are noise, a sound for a video."""
    media_factory.text(tmp_path / "words.mp4")
    media_factory.no_moov(tmp_path / "cut.mp4")
    media_factory.half_faststart(tmp_path / "half.mp4")
    media_factory.audio(tmp_path / "sound.wav")
    names = ("words.mp4", "cut.mp4", "half.mp4", "sound.wav", "gone.mp4")

    found = probed(tmp_path, *(sample(name, video=tmp_path / name) for name in names))

    told = {str(problem.path): problem.message for problem in found.problems}
    assert told["words.mp4"] == "words.mp4 is no kind of media that can be read here."
    assert told["cut.mp4"].startswith("cut.mp4 cannot be read: ")
    assert told["half.mp4"] == "half.mp4 ends early: it was cut off."
    assert told["sound.wav"] == "sound.wav holds no moving picture."
    assert "gone.mp4 cannot be read" in told["gone.mp4"]
    assert {problem.code for problem in found.problems} == {"broken"}


def test_pictures_are_read_and_those_in_arrays_are_not(tmp_path: Path) -> None:
    """A JPEG, a PNG, a JPEG that was cut off, and words; rows of an .npz are read with it."""
    face = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    for name in ("a.jpg", "a.png"):
        cv2.imwrite(str(tmp_path / name), face)
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    media_factory.text(tmp_path / "words.jpg")
    names = ("a.jpg", "a.png", "cut.jpg", "words.jpg")

    found = probed(
        tmp_path,
        *(sample(name, still=Still(tmp_path / name, None)) for name in names),
        sample("row", still=Still(tmp_path / "none.npz", 3)),
    )

    assert [problem.message for problem in found.problems] == [
        "cut.jpg ends early: it was cut off.",
        "words.jpg is no kind of media that can be read here.",
    ]

from __future__ import annotations

from itertools import product
from pathlib import Path

from tests.unit.training.datasets.folders import codes, files, refuses, shared_data, told
from training.datasets.dataset import read_dataset
from training.datasets.splits import leaking_speakers


def spoken(actor: int, channel: str = "01") -> list[str]:
    """Return the takes of an actor, without modality: 60 of speech."""
    return [
        f"{channel}-0{emotion}-0{level}-0{sentence}-0{take}-{actor:02d}"
        for emotion, level, sentence, take in product(range(1, 9), (1, 2), (1, 2), (1, 2))
        if (emotion, level) != (1, 2)
    ]


def published(folder: Path, actors: range = range(1, 4)) -> Path:
    """Write the video archives, which have each take with sound and without, and the audio archive."""
    for actor in actors:
        for take in spoken(actor):
            place = f"Video_Speech_Actor_{actor:02d}/Actor_{actor:02d}"
            files(folder, [f"{place}/01-{take}.mp4", f"{place}/02-{take}.mp4"])
            files(folder, [f"Audio_Speech_Actors_01-24/Actor_{actor:02d}/03-{take}.wav"])
    return folder


def test_picture_and_sound_of_a_take_are_one_sample(tmp_path: Path) -> None:
    """Of three files of a take the video with sound and the WAV are used."""
    dataset = read_dataset("ravdess", published(tmp_path))

    assert (len(dataset.samples), dataset.problems, len(dataset.labels)) == (180, (), 8)
    sample = next(one for one in dataset.samples if one.id == "01-02-02-01-01-03")
    assert sample.video is not None
    assert sample.audio is not None
    assert (sample.video.name, sample.audio.name) == ("01-01-02-02-01-01-03.mp4", "03-01-02-02-01-01-03.wav")
    assert (sample.emotions, sample.speaker) == ({"calm": 1.0}, "ravdess/03")
    assert sample.details["sex"] == "m"
    assert sample.details["level"] == "strong"
    assert leaking_speakers(dataset.samples) == []


def test_a_video_without_sound_goes_with_its_wav(tmp_path: Path) -> None:
    """Where the video with sound is not there, the one without is joined to the sound."""
    for path in published(tmp_path).rglob("01-*.mp4"):
        path.unlink()

    sample = read_dataset("ravdess", tmp_path).samples[0]

    assert sample.video is not None
    assert sample.audio is not None
    assert sample.video.name.startswith("02-")


def test_songs_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    """Singing is another way of speaking: it is taken on request."""
    published(tmp_path)
    files(tmp_path, (f"Actor_01/03-{take}.wav" for take in spoken(1, "02")))

    assert len(read_dataset("ravdess", tmp_path).samples) == 180
    assert len(read_dataset("ravdess", tmp_path, songs=True).samples) == 240


def test_the_second_copy_of_an_archive_is_told(tmp_path: Path) -> None:
    """One public copy has all files twice, in a folder of their own."""
    published(tmp_path, range(1, 3))
    for actor in (1, 2):
        files(tmp_path, (f"zz_copy/Actor_{actor:02d}/03-{take}.wav" for take in spoken(actor)))

    dataset = read_dataset("ravdess", tmp_path)

    assert len(dataset.samples) == 120
    assert codes(dataset) == {"duplicate": 120}


def test_a_file_in_another_actors_folder_and_a_stranger_are_told(tmp_path: Path) -> None:
    """The name says who speaks; a file with no such name is left out."""
    published(tmp_path)
    name = f"03-{spoken(1)[0]}.wav"
    audio = tmp_path / "Audio_Speech_Actors_01-24"
    (audio / "Actor_01" / name).rename(audio / "Actor_02" / name)
    files(tmp_path, ["Actor_01/notes.wav"])

    dataset = read_dataset("ravdess", tmp_path)

    assert dataset.samples[0].speaker == "ravdess/01"
    assert told(dataset, "misnamed") == [f"{name} lies in Actor_02; its name counts."]
    assert len(told(dataset, "unknown")) == 1


def test_a_half_copied_actor_is_refused(tmp_path: Path) -> None:
    """The speech of an actor is 60 takes."""
    files(tmp_path, (f"Actor_01/03-{take}.wav" for take in spoken(1)[:30]))

    refuses("ravdess", tmp_path, "30 of 60 files (50%)")


def test_one_actor_alone_has_no_folds() -> None:
    """The converted speech has one actor: nothing can be held out by speaker."""
    dataset = read_dataset("ravdess", shared_data("speech.csv").parent)

    assert (len(dataset.samples), dataset.folds, dataset.fold_source) == (60, 0, "")
    assert {sample.speaker for sample in dataset.samples} == {"ravdess/02"}
    assert {sample.fold for sample in dataset.samples} == {None}
    assert dataset.problems == ()

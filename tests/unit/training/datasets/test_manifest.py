from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.training.datasets.folders import codes, files, refuses, table, told
from training.datasets.dataset import read_dataset

CLIPS = [f"clips/{k:02d}.mp4" for k in range(30)]
EMOTIONS = ("anger", "Happy", " sad ")


def published(folder: Path, rows: list[tuple[object, ...]], names: tuple[str, ...]) -> Path:
    """Write the clips and a manifest."""
    files(folder, CLIPS)
    table(folder / "manifest.csv", [names, *rows])
    return folder


def test_a_row_is_a_sample(tmp_path: Path) -> None:
    """Path and emotion are enough; other columns become details; the folder's name is the data set's."""
    folder = tmp_path / "My Lab 2024"
    rows = [(clip, EMOTIONS[k % 3], "rainy") for k, clip in enumerate(CLIPS)]

    dataset = read_dataset("manifest", published(folder, rows, ("path", "emotion", "weather")))

    assert (dataset.name, len(dataset.samples)) == ("my-lab-2024", 30)
    assert dataset.labels == ("anger", "happiness", "sadness")
    sample = dataset.samples[2]
    assert (sample.id, sample.dataset, sample.video) == ("clips-02", "my-lab-2024", folder / "clips/02.mp4")
    assert (sample.emotions, sample.label_source) == ({"sadness": 1.0}, "manifest")
    assert sample.details == {"weather": "rainy"}
    assert (dataset.folds, dataset.fold_source) == (5, "made by clip")


def test_every_column_is_taken(tmp_path: Path) -> None:
    """Id, audio, speaker, fold, valence, arousal and their source go where they belong."""
    names = ("path", "emotion", "id", "audio", "speaker", "fold", "valence", "arousal", "affect_source")
    rows: list[tuple[object, ...]] = [
        (
            clip,
            "fear;surprise",
            f"take.{k}",
            clip.replace("mp4", "wav"),
            f"p{k % 2}",
            k % 2 + 1,
            -0.5,
            0.5,
            "",
        )
        for k, clip in enumerate(CLIPS)
    ]
    rows[1] = (*rows[1][:4], "crema-d/1001", *rows[1][5:8], "class_constant")
    files(tmp_path, (clip.replace("mp4", "wav") for clip in CLIPS))

    dataset = read_dataset("manifest", published(tmp_path, rows, names))

    assert (dataset.folds, dataset.fold_source) == (2, "manifest")
    sample, other = dataset.samples[:2]
    assert (sample.id, sample.fold, sample.audio) == ("take.0", 1, tmp_path / "clips/00.wav")
    assert sample.emotions == {"fear": 0.5, "surprise": 0.5}
    assert (sample.valence, sample.arousal, sample.affect_source) == (-0.5, 0.5, "annotated")
    assert sample.speaker == f"{dataset.name}/p0"
    assert (other.speaker, other.affect_source) == ("crema-d/1001", "class_constant")


def test_sounds_and_pictures_are_told_by_their_suffix(tmp_path: Path) -> None:
    """A sound has no video, and a picture has neither video nor sound."""
    files(tmp_path, ["a.wav", "b.PNG"])
    table(tmp_path / "manifest.csv", [("path", "emotion"), ("a.wav", "fear"), ("b.PNG", "fear")])

    sound, still = read_dataset("manifest", tmp_path).samples

    assert (sound.video, sound.audio, sound.still) == (None, tmp_path / "a.wav", None)
    assert still.still is not None
    assert (still.still.path, still.still.index, still.audio) == (tmp_path / "b.PNG", None, None)


def test_parts_are_taken_in_whatever_spelling(tmp_path: Path) -> None:
    """A split takes the place of folds; none are made."""
    rows = [(clip, "fear", ("train", "val", "Test")[k % 3]) for k, clip in enumerate(CLIPS)]

    dataset = read_dataset("manifest", published(tmp_path, rows, ("path", "emotion", "split")))

    assert [sample.split for sample in dataset.samples[:3]] == ["train", "validation", "test"]
    assert (dataset.folds, dataset.fold_source) == (0, "")


def test_a_speaker_on_both_sides_is_told(tmp_path: Path) -> None:
    """Folds of the manifest are used as they are; a speaker in two of them is a leak."""
    rows = [(clip, "fear", "anna" if k < 2 else f"p{k}", k % 2 + 1) for k, clip in enumerate(CLIPS)]

    dataset = read_dataset("manifest", published(tmp_path, rows, ("path", "emotion", "speaker", "fold")))

    assert told(dataset, "leak") == [f"{dataset.name}/anna stands on both sides of a split."]


def test_valence_alone_is_a_label(tmp_path: Path) -> None:
    """A row without emotion is used for its valence and arousal, and left out where it has none."""
    rows: list[tuple[object, ...]] = [(clip, "fear", "") for clip in CLIPS]
    rows[0], rows[1] = (CLIPS[0], "", 0.25), (CLIPS[1], "", "")

    dataset = read_dataset("manifest", published(tmp_path, rows, ("path", "emotion", "valence")))

    assert (dataset.samples[0].emotions, dataset.samples[0].valence) == (None, 0.25)
    assert codes(dataset) == {"unlabelled": 1}
    assert len(dataset.samples) == 29


def test_class_constants_do_not_replace_what_was_annotated(tmp_path: Path) -> None:
    """Only samples without valence and arousal get those of their class."""
    rows: list[tuple[object, ...]] = [(clip, "anger", "") for clip in CLIPS]
    rows[0] = (CLIPS[0], "anger", 0.25)

    dataset = read_dataset(
        "manifest", published(tmp_path, rows, ("path", "emotion", "valence")), class_constants=True
    )

    assert (dataset.samples[0].valence, dataset.samples[0].affect_source) == (0.25, "annotated")
    assert (dataset.samples[1].valence, dataset.samples[1].affect_source) == (-0.6, "class_constant")


@pytest.mark.parametrize(
    ("names", "row", "parts"),
    [
        (("path", "emotion"), ("clips/00.mp4", "rage"), ["row 2, emotion: 'rage' is no emotion", "anger"]),
        (("path", "emotion"), ("../00.mp4", "fear"), ["row 2, path: ../00.mp4 leads out of"]),
        (("path", "emotion"), ("/etc/passwd", "fear"), ["row 2, path: /etc/passwd leads out of"]),
        (("path", "audio"), ("clips/00.mp4", "a/../../b.wav"), ["row 2, audio: a/../../b.wav leads out of"]),
        (("path", "audio"), ("clips/00.wav", "clips/01.wav"), ["row 2, audio: clips/00.wav is no video"]),
        (("path", "emotion"), ("", "fear"), ["row 2, path: Field required"]),
        (("path", "emotion"), ("clips/01.mp4", "fear"), ["rows 2 and 4 have one id, clips-01", "column id"]),
        (("path", "id"), ("clips/01.mp4", "new"), ["rows 2 and 4 name one file, clips/01.mp4"]),
        (("path", "id"), ("clips/00.mp4", "a/b"), ["the id 'a/b'"]),
        (("path", "fold"), ("clips/00.mp4", "0"), ["row 2, fold"]),
        (("path", "fold"), ("clips/00.mp4", "two"), ["row 2, fold"]),
        (("path", "split"), ("clips/00.mp4", "dev1"), ["row 2, split"]),
        (("path", "valence"), ("clips/00.mp4", "1.5"), ["row 2, valence"]),
        (("path", "valence"), ("clips/00.mp4", "nan"), ["row 2, valence"]),
        (("path", "affect_source"), ("clips/00.mp4", "guess"), ["row 2, affect_source"]),
        (("file", "emotion"), ("clips/00.mp4", "fear"), ["has no column path", "it has file, emotion"]),
    ],
)
def test_a_manifest_with_faults_is_refused(
    tmp_path: Path, names: tuple[str, str], row: tuple[str, str], parts: list[str]
) -> None:
    """The row, the column and the fault are told."""
    rest: list[tuple[object, ...]] = [(clip, "") for clip in CLIPS]

    refuses("manifest", published(tmp_path, [row, *rest], names), *parts)


def test_many_faults_are_summed_up(tmp_path: Path) -> None:
    """Three faults are told, and how many there are more."""
    rows: list[tuple[object, ...]] = [(clip, "rage") for clip in CLIPS]

    folder = published(tmp_path, rows, ("path", "emotion"))

    refuses("manifest", folder, "row 2", "row 3", "row 4", "There are 27 more faults.")


def test_folds_for_some_rows_alone_are_refused(tmp_path: Path) -> None:
    """A row without a fold would be tested never, or trained on always: which, the manifest must say."""
    rows = [(clip, "fear", "" if k == 7 else k % 2 + 1) for k, clip in enumerate(CLIPS)]

    refuses("manifest", published(tmp_path, rows, ("path", "emotion", "fold")), "1 of 30 rows", "clips-07")


def test_missing_and_unusable_files_are_told(tmp_path: Path) -> None:
    """One file that is not there and one that is empty are problems; many make the folder half-copied."""
    folder = published(tmp_path, [(clip, "fear") for clip in CLIPS], ("path", "emotion"))
    (folder / CLIPS[3]).unlink()
    files(folder, [CLIPS[4]], "")

    dataset = read_dataset("manifest", folder)

    assert told(dataset, "missing") == ["There is no clips/03.mp4."]
    assert told(dataset, "broken") == ["04.mp4 is empty."]
    (folder / CLIPS[5]).unlink()
    refuses("manifest", folder, "2 of 30 files (7%)")


def test_a_file_of_no_known_kind_is_told(tmp_path: Path) -> None:
    """A suffix that says nothing about media is not guessed at."""
    files(tmp_path, ["notes.txt", "more"])
    rows: list[tuple[object, ...]] = [*((clip, "fear", "") for clip in CLIPS), ("notes.txt", "fear", "")]
    rows[0] = (CLIPS[0], "fear", "more")

    dataset = read_dataset("manifest", published(tmp_path, rows, ("path", "emotion", "audio")), partial=True)

    assert told(dataset, "broken") == [
        "more is no kind of file that is known here (no suffix).",
        "notes.txt is no kind of file that is known here (.txt).",
    ]


def test_another_manifest_can_be_named(tmp_path: Path) -> None:
    """Its name becomes the data set's; a byte order mark before the names does not matter."""
    published(tmp_path, [], ("path", "emotion"))
    (tmp_path / "faces_a.csv").write_text("\ufeffpath,emotion\nclips/00.mp4,fear\n", encoding="utf-8")

    dataset = read_dataset("manifest", tmp_path, manifest="faces_a.csv")

    assert (dataset.name, len(dataset.samples)) == ("faces-a", 1)
    refuses("manifest", tmp_path, "There is no file", manifest="none.csv")

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.unit.training.datasets.folders import codes, files, refuses, shared_data, table, told
from training.datasets.dataset import read_dataset
from training.datasets.emotions import AFFECT
from training.datasets.splits import leaking_speakers

EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")


def subject(number: int, *, called: int | None = None) -> list[str]:
    """Return the paths of a subject; files may be called as another subject's."""
    top, name = f"enterface database/subject {number}", f"s{called or number}"
    return [
        f"{top}/{emotion}/sentence {k}/{name}_{emotion[:2]}_{k}.avi"
        for emotion in EMOTIONS
        for k in range(1, 6)
    ]


def published(folder: Path) -> Path:
    """Write seven subjects with the misnamings of the real ones."""
    paths = [path for number in (1, 2, 12, 16) for path in subject(number)]
    paths += subject(11, called=12)
    paths += [path.replace("s3_", "s_3_") for path in subject(3)]
    paths += [f"enterface database/subject 6/{emotion}/s6_{emotion[:2]}.avi" for emotion in EMOTIONS]
    odd = "enterface database/subject 16/surprise/sentence 3/s16_su_3.avi"
    paths[paths.index(odd)] = odd.replace("su_3.avi", "su_3avi.avi")
    files(folder, paths)
    return folder


def test_folders_say_what_a_clip_is_whatever_its_file_is_called(tmp_path: Path) -> None:
    """Subject 11's files are called as subject 12's; they are subject 11's, and told as misnamed."""
    published(tmp_path)

    dataset = read_dataset("enterface05", tmp_path)

    by_id = {sample.id: sample for sample in dataset.samples}
    assert len(by_id) == 6 * 30 + 6
    sample = by_id["s11-fear-2"]
    assert sample.video == tmp_path / "enterface database/subject 11/fear/sentence 2/s12_fe_2.avi"
    assert (sample.speaker, sample.emotions, sample.label_source) == (
        "enterface/11",
        {"fear": 1.0},
        "folder name",
    )
    assert by_id["s16-surprise-3"].details == {"sentence": "3", "language": "en"}
    assert codes(dataset) == {"misnamed": 30 + 30 + 1}
    assert "s16_su_3avi.avi lies where s16_su_3.avi belongs; its folders count." in told(dataset, "misnamed")


def test_subject_six_without_sentences_is_kept(tmp_path: Path) -> None:
    """Its clips lie one folder higher and have no number: one an emotion."""
    published(tmp_path)

    dataset = read_dataset("enterface", tmp_path)

    six = [sample.id for sample in dataset.samples if sample.speaker == "enterface/06"]
    assert six == [f"s06-{emotion}" for emotion in EMOTIONS]


def test_the_folder_of_the_sentence_counts(tmp_path: Path) -> None:
    """A file whose name has another sentence than its folder is the folder's."""
    paths = subject(1)
    files(tmp_path, [*paths[:-1], paths[-1].replace("su_5", "su_4")])

    dataset = read_dataset("enterface", tmp_path)

    assert dataset.samples[-1].id == "s01-surprise-5"
    assert codes(dataset) == {"misnamed": 1}


def test_depth_may_differ(tmp_path: Path) -> None:
    """Subjects lie in the folder itself or below others, with or without folders of sentences."""
    files(tmp_path, [path.partition("/")[2] for path in subject(1)])
    files(tmp_path, [f"copy/more/Subject 2/Anger/s2_an_{k}.AVI" for k in range(1, 6)])

    dataset = read_dataset("enterface", tmp_path, partial=True)

    assert [sample.id for sample in dataset.samples[30:]] == [f"s02-anger-{k}" for k in range(1, 6)]


def test_there_is_no_neutral_and_folds_are_by_subject(tmp_path: Path) -> None:
    """Six classes; folds are made so that no subject is in two."""
    dataset = read_dataset("enterface", published(tmp_path))

    assert dataset.labels == EMOTIONS
    assert (dataset.folds, dataset.fold_source) == (5, "made by speaker")
    assert leaking_speakers(dataset.samples) == []


def test_gaps_strangers_and_copies_are_told(tmp_path: Path) -> None:
    """A sentence that is not there, a clip in no subject's folder, and a clip that is there twice."""
    published(tmp_path)
    first = tmp_path / subject(1)[0]
    first.unlink()
    files(tmp_path, ["enterface database/extra.avi", "enterface database/fear/sentence 1/s9_fe_1.avi"])
    files(tmp_path, [subject(2)[0].replace("s2_an_1", "s2_an_1 copy")])

    dataset = read_dataset("enterface", tmp_path)

    assert told(dataset, "missing") == ["There is no s01-anger-1."]
    strangers = told(dataset, "unknown")
    assert [message.split()[1] for message in strangers] == ["database/extra.avi", "database/fear/sentence"]
    assert len(told(dataset, "duplicate")) == 1


def test_a_half_copied_folder_is_refused(tmp_path: Path) -> None:
    """Subjects without some of their sentences make the folder a part."""
    files(tmp_path, subject(1) + subject(2)[:10])

    refuses("enterface", tmp_path, "20 of 60 files (33%)", "There is no s02-fear-1.")


def test_folds_that_were_written_down_are_used(tmp_path: Path) -> None:
    """A fold file names clips by their ids."""
    published(tmp_path)
    rows = [
        (sample.id, int(sample.speaker[-2:]) % 2 + 1)
        for sample in read_dataset("enterface", tmp_path).samples
        if sample.speaker
    ]
    table(tmp_path / "folds.csv", [("clip", "test_fold"), *rows])

    dataset = read_dataset("enterface", tmp_path)

    assert (dataset.folds, dataset.fold_source) == (2, "folds.csv")
    assert {sample.fold for sample in dataset.samples if sample.speaker == "enterface/11"} == {2}


@pytest.mark.parametrize("wanted", [False, True])
def test_constants_of_the_class_are_pseudo_labels_and_only_on_request(tmp_path: Path, wanted: bool) -> None:
    """Valence and arousal of the class are given when asked for, and marked."""
    dataset = read_dataset("enterface", published(tmp_path), class_constants=wanted)

    sample = dataset.samples[0]
    expected = (-0.6, 0.8, "class_constant") if wanted else (None, None, None)
    assert (sample.valence, sample.arousal, sample.affect_source) == expected


def test_the_constants_are_those_of_the_label_table() -> None:
    """The table of earlier work has one pair of numbers a class, and it is ours."""
    path = shared_data("labels/enterface/enterface_dataset_full_labels.csv")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    found = {
        (row["dominant_emotion"], float(row["Adjusted_Valence"]), float(row["Adjusted_Arousal"]))
        for row in rows
    }

    assert found == {(emotion, *AFFECT[emotion]) for emotion in EMOTIONS}

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from tests.unit.training.datasets.crema_d_folder import CLIPS, published
from tests.unit.training.datasets.folders import POINTER, codes, files, refuses, shared_data, table, told
from training.datasets.dataset import read_dataset
from training.datasets.splits import leaking_speakers


def test_a_clip_has_its_picture_its_sound_and_what_its_name_says(tmp_path: Path) -> None:
    """Video and WAV of a clip are one sample, labelled by the intention in its name."""
    published(tmp_path)
    table(tmp_path / "VideoDemographics.csv", [("ActorID", "Age", "Sex"), (1001, 51, "Male")])

    dataset = read_dataset("CREMA-D", tmp_path)

    assert (dataset.name, len(dataset.samples), dataset.problems) == ("crema-d", len(CLIPS), ())
    assert dataset.labels == ("anger", "disgust", "fear", "happiness", "neutral", "sadness")
    sample = dataset.samples[0]
    assert sample.id == "1001_IEO_ANG_XX"
    assert sample.video == tmp_path / "VideoFlash/1001_IEO_ANG_XX.flv"
    assert sample.audio == tmp_path / "AudioWAV/1001_IEO_ANG_XX.wav"
    assert (sample.emotions, sample.label_source) == ({"anger": 1.0}, "file name")
    assert sample.speaker == "crema-d/1001"
    assert sample.details == {"sentence": "IEO", "level": "XX", "language": "en", "age": "51", "sex": "m"}
    assert (sample.valence, sample.arousal, sample.affect_source) == (None, None, None)


def test_sound_alone_is_read_and_wav_goes_before_mp3(tmp_path: Path) -> None:
    """Without any video the clips are sounds; of two sounds the one that is not compressed is used."""
    published(tmp_path, video=False)
    files(tmp_path, ["AudioMP3/1001_IEO_ANG_XX.mp3", "AudioMP3/1001_IEO_DIS_XX.mp3"])

    dataset = read_dataset("crema-d", tmp_path)

    assert {sample.video for sample in dataset.samples} == {None}
    assert {sample.audio.suffix for sample in dataset.samples if sample.audio} == {".wav"}
    assert dataset.problems == ()


def test_folds_are_made_by_actor_and_are_the_same_each_time(tmp_path: Path) -> None:
    """Without published folds no actor stands in two, each fold has clips, and no chance is in it."""
    published(tmp_path)

    dataset, again = read_dataset("crema-d", tmp_path), read_dataset("cremad", tmp_path)

    assert (dataset.folds, dataset.fold_source) == (5, "made by speaker")
    assert {sample.fold for sample in dataset.samples} == {1, 2, 3, 4, 5}
    assert leaking_speakers(dataset.samples) == []
    assert dataset.samples == again.samples


def test_the_four_broken_clips_are_left_out(tmp_path: Path) -> None:
    """Clips that are known to be broken are no samples, and are told."""
    broken = ["1076_MTI_NEU_XX", "1076_MTI_SAD_XX", "1064_TIE_SAD_XX", "1064_IEO_DIS_MD"]
    published(tmp_path, [*CLIPS, *broken])

    dataset = read_dataset("crema-d", tmp_path, partial=True)

    assert codes(dataset) == {"broken": 4}
    assert not {sample.id for sample in dataset.samples} & set(broken)


def test_the_clip_whose_level_lost_a_letter_is_found(tmp_path: Path) -> None:
    """1040_ITH_SAD_X.wav is the sound of 1040_ITH_SAD_XX."""
    published(tmp_path, [*CLIPS, "1040_ITH_SAD_XX"])
    (tmp_path / "AudioWAV/1040_ITH_SAD_XX.wav").rename(tmp_path / "AudioWAV/1040_ITH_SAD_X.wav")

    dataset = read_dataset("crema-d", tmp_path)

    sample = next(sample for sample in dataset.samples if sample.id == "1040_ITH_SAD_XX")
    assert sample.audio == tmp_path / "AudioWAV/1040_ITH_SAD_X.wav"
    assert codes(dataset) == {"misnamed": 1}


def test_pointers_and_empty_files_are_no_clips(tmp_path: Path) -> None:
    """What Git LFS leaves in the place of a file, and what a full disk leaves, is told and not used."""
    published(tmp_path)
    files(tmp_path, ["VideoFlash/1001_IEO_ANG_XX.flv"], POINTER)
    files(tmp_path, ["VideoFlash/1001_IEO_DIS_XX.flv"], "")
    files(tmp_path, ["AudioWAV/._1001_IEO_ANG_XX.wav", "__MACOSX/AudioWAV/1001_IEO_ANG_XX.wav"])

    dataset = read_dataset("crema-d", tmp_path)

    assert codes(dataset) == {"broken": 2, "missing": 2}
    assert "git lfs pull" in told(dataset, "broken")[0]
    assert "is empty" in told(dataset, "broken")[1]
    assert [sample.video for sample in dataset.samples[:2]] == [None, None]


def test_a_folder_of_pointers_alone_is_refused(tmp_path: Path) -> None:
    """A clone without its large files is told as such."""
    files(tmp_path, (f"VideoFlash/{clip}.flv" for clip in CLIPS), POINTER)

    refuses("crema-d", tmp_path, "Git LFS pointer", "So it is with 167 more")


def test_a_half_copied_folder_is_refused_unless_a_part_will_do(tmp_path: Path) -> None:
    """Where the tables name many clips that are not there, the share and the first clip are told."""
    published(tmp_path, CLIPS[: len(CLIPS) // 2], sound=False)
    rows = [(number, clip) for number, clip in enumerate(CLIPS)]
    table(tmp_path / "SentenceFilenames.csv", [("Stimulus_Number", "Filename"), *rows])

    refuses("crema-d", tmp_path, "84 of 168 files (50%)", "There is no video of 1004_IOM_ANG_XX.", "partial")
    assert len(read_dataset("crema-d", tmp_path, partial=True).samples) == len(CLIPS) // 2


def test_videos_that_lag_behind_the_sounds_are_a_gap(tmp_path: Path) -> None:
    """A folder with every sound and half of the videos is half-copied, also without a table."""
    published(tmp_path, video=False)
    files(tmp_path, (f"VideoFlash/{clip}.flv" for clip in CLIPS[::2]))

    refuses("crema-d", tmp_path, "There is no video of 1001_IEO_DIS_XX.")


def votes(folder: Path, rows: dict[str, str]) -> None:
    names = ("", "FileName", "VoiceVote", "VoiceLevel", "FaceVote", "FaceLevel", "MultiModalVote")
    lines = [("1", clip, "N", "50", "H", "60", vote) for clip, vote in rows.items()]
    table(folder / "processedResults/summaryTable.csv", [names, *lines])


def test_votes_label_clips_and_ties_share(tmp_path: Path) -> None:
    """Labels from the crowd: one winner has all, two winners half each; a clip without votes is left out."""
    published(tmp_path)
    votes(tmp_path, {**dict.fromkeys(CLIPS, "A"), CLIPS[1]: "N:S", CLIPS[2]: "NA"})

    dataset = read_dataset("crema-d", tmp_path, labels_from="votes")

    by_id = {sample.id: sample for sample in dataset.samples}
    assert by_id[CLIPS[0]].emotions == {"anger": 1.0}
    assert by_id[CLIPS[1]].emotions == {"neutral": 0.5, "sadness": 0.5}
    assert by_id[CLIPS[1]].label_source == "crowd votes (votes)"
    assert CLIPS[2] not in by_id
    assert codes(dataset) == {"tie": 1, "unlabelled": 1}


def test_votes_for_the_face_or_the_voice_alone_can_be_taken(tmp_path: Path) -> None:
    """Each of the three columns of votes is a source of labels of its own."""
    published(tmp_path)
    votes(tmp_path, dict.fromkeys(CLIPS, "A"))

    face = read_dataset("crema-d", tmp_path, labels_from="face-votes")
    voice = read_dataset("crema-d", tmp_path, labels_from="voice-votes")

    assert face.samples[0].emotions == {"happiness": 1.0}
    assert voice.samples[0].emotions == {"neutral": 1.0}


def test_votes_without_their_table_are_refused(tmp_path: Path) -> None:
    """The message names the table that is not there."""
    published(tmp_path)

    refuses("crema-d", tmp_path, "summaryTable.csv", labels_from="votes")
    refuses("crema-d", tmp_path, "no labels from luck", "intention, votes", labels_from="luck")


def test_the_published_tables_and_folds_fit(tmp_path: Path) -> None:
    """The 7,442 names of the real tables give 7,437 samples in HiCMAE's five folds of 91 actors."""
    labels = shared_data("labels/crema-d")
    with (labels / "SentenceFilenames.csv").open(encoding="utf-8") as file:
        clips = [row["Filename"] for row in csv.DictReader(file)]
    published(tmp_path, clips, video=False)
    files(tmp_path, ["processedResults/summaryTable.csv"], (labels / "summaryTable.csv").read_text())

    dataset = read_dataset("crema-d", tmp_path, fold_file=labels / "folds.csv")
    voted = read_dataset("crema-d", tmp_path, labels_from="votes")

    assert len(dataset.samples) == 7437
    assert Counter(next(iter(sample.emotions or {})) for sample in dataset.samples)["anger"] == 1271
    assert codes(dataset) == {"broken": 4, "no_fold": 1}
    assert len({sample.speaker for sample in dataset.samples}) == 91
    assert leaking_speakers(dataset.samples) == []
    # 420 of the 7,442, less those among the four broken ones.
    assert 416 <= codes(voted)["tie"] <= 420

"""What keeps ``avemotion train`` from beginning: each ends in a sentence that helps, and exit code 1."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.training.fitting.runs import Training, refusal, settings
from tests.integration.training.fitting.voices import read_manifest, write_manifest
from worker.model.presets import PRESETS
from worker.model.weights import new_videomae

# With nothing that learns, a training ends where it would begin: after all that is read and made.
FROZEN = settings(phases__0__frozen='["backbone", "emotion", "affect", "modality"]')
AS_FROZEN = "invalid_recipe: Phase voices freezes all that could learn."


def test_a_folder_that_is_not_there_or_empty(training: Training, tmp_path: Path) -> None:
    """The sentence names the folder, and no feature is made."""
    for folder, said in ((tmp_path / "nowhere", "There is no folder"), (tmp_path, "is empty")):
        data = Training(training.recipe, folder, training.cache).using("--folds", "none")

        sentence = refusal(data.here(tmp_path.parent / f"{tmp_path.name}-out"), "invalid_dataset")

        assert said in sentence
        assert str(folder) in sentence


@pytest.mark.parametrize("other", ["ravdess", "crema-d", "emodb"])
def test_a_folder_of_another_data_set(training: Training, tmp_path: Path, other: str) -> None:
    """A folder that is not what the recipe takes it for is said to be another."""
    chosen = training.using(*settings(sources__made__dataset=other))

    assert str(training.data) in refusal(chosen.here(tmp_path / "out"), "invalid_dataset")


@pytest.mark.parametrize(
    ("labels", "code", "said"),
    [
        (
            '["fear", "surprise"]',
            "invalid_dataset",
            "No sample of voices has one of the labels fear, surprise",
        ),
        ('["fear", "bravery"]', "invalid_dataset", "bravery"),
        ('["anger"]', "invalid_recipe", "labels: "),
    ],
)
def test_labels_that_do_not_fit(
    training: Training, tmp_path: Path, labels: str, code: str, said: str
) -> None:
    """Labels that no clip has, that are none, or that are too few are named."""
    assert said in refusal(training.using(*settings(labels=labels)).here(tmp_path / "out"), code)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (settings(speed=1), "speed: "),
        (settings(phases__0__epoch=1), "phases.0.epoch: "),
        (settings(phases__0__epochs=0), "phases.0.epochs: "),
        (settings(phases__3__epochs=1), "no place phases.3.epochs"),
        (["--set", "seed"], "--set seed should be NAME=VALUE"),
        (["--data", "made=elsewhere"], "each name once"),
        (["--data", "more=elsewhere"], "It has no source more."),
        (["--folds", "some"], "--folds some should be all, none, or numbers"),
    ],
)
def test_what_is_not_known_is_named(
    training: Training, tmp_path: Path, options: list[str], said: str
) -> None:
    """A key, a value or an option that means nothing is named before anything is read."""
    assert said in refusal(training.using(*options).here(tmp_path / "out"), "invalid_recipe")


def test_a_fusion_that_there_is_not(training: Training, tmp_path: Path) -> None:
    """The sentence names those that there are."""
    result = training.using("--fusion", "nonsense").here(tmp_path / "out")

    assert result.exit_code in {1, 2}
    assert all(word in result.stderr for word in ("nonsense", "early", "late", "hybrid"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("folds", "said"),
    [
        # A gap, some without a fold, and one fold for all.
        ({"1": "1", "2": "3"}, "there must be at least two, from 1 without a gap"),
        ({"1": "1", "2": ""}, "there must be at least two"),
        ({"1": "1", "2": "1"}, "there must be at least two"),
        ({"1": "first", "2": "second"}, "fold: "),
    ],
)
def test_folds_that_do_not_fit(training: Training, tmp_path: Path, folds: dict[str, str], said: str) -> None:
    """Folds that leave a gap, or clips untested, end in a sentence that names the manifest."""
    data = tmp_path / "voices"
    shutil.copytree(training.data, data)
    write_manifest(data, [(*row[:3], folds[row[3]], *row[4:]) for row in read_manifest(data)])

    sentence = refusal(
        Training(training.recipe, data, training.cache).here(tmp_path / "out"), "invalid_dataset"
    )

    assert said in sentence
    assert "manifest.csv" in sentence


def test_an_out_that_is_a_file(training: Training, tmp_path: Path) -> None:
    """A place that cannot be a folder is said to be none, before anything is made."""
    place = tmp_path / "taken"
    place.write_text("a file")

    for out in (place, place / "below"):
        assert str(out) in refusal(training.here(out), "invalid_request")
    assert place.read_text() == "a file"


def test_a_fold_that_there_is_not(training: Training, tmp_path: Path) -> None:
    """The sentence says how many there are."""
    assert "There is no fold 7: there are 2." in refusal(
        training.using("--folds", "7").here(tmp_path / "out"), "invalid_recipe"
    )


def test_an_encoder_that_is_none(training: Training, tmp_path: Path) -> None:
    """Weights of another size, a file that holds none, and a folder that is no model are told apart."""
    other, text = tmp_path / "tiny.weights.h5", tmp_path / "text.weights.h5"
    new_videomae(PRESETS["tiny"], labels=None).save_weights(other)
    text.write_text("These are no weights.")
    chosen = training.using("--folds", "none")

    for weights, said in (
        (other, "backbone/patch_embedding/"),
        (text, "cannot be opened as HDF5"),
        (tmp_path / "gone.weights.h5", "gone.weights.h5"),
        (tmp_path, "is no model"),
    ):
        assert said in refusal(chosen.using("--weights", weights).here(tmp_path / "out"), "invalid_weights")
    assert not (tmp_path / "out" / "model").exists()


def test_a_few_clips_that_cannot_be_read(training: Training, tmp_path: Path) -> None:
    """They are told, each with its reason, and the training goes on without them."""
    data = spoilt(training, tmp_path, 2)

    result = (
        Training(training.recipe, data, training.cache)
        .using("--folds", "none", *FROZEN)
        .here(tmp_path / "out")
    )

    told = " ".join(result.stderr.split())
    assert told.count("no features: voices/") == 2
    assert "is neither video nor sound by its content." in told
    assert told.endswith(AS_FROZEN)


def test_too_many_clips_that_cannot_be_read(training: Training, tmp_path: Path) -> None:
    """More than a fifth is no bad luck: nothing is trained, and the first is named with its reason."""
    data = spoilt(training, tmp_path, 5)

    sentence = refusal(
        Training(training.recipe, data, training.cache).using("--folds", "none").here(tmp_path / "out"),
        "training_failed",
    )

    assert "The features of 5 of 24 samples cannot be made; the first is voices/1-anger-0" in sentence


def spoilt(training: Training, folder: Path, count: int) -> Path:
    """Return a copy of the data set whose first clips are no sounds; features of the others are known."""
    data = folder / "voices"
    shutil.copytree(training.data, data)
    for row in read_manifest(data)[:count]:
        (data / row[0]).write_bytes(b"no sound " * 200)
    return data

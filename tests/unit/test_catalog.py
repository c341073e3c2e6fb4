from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from shared.catalog import load_catalog, read_card, read_catalog
from shared.catalog.config import FusionName, PresetName
from shared.catalog.reading import BUILTIN_DIR
from shared.schemas.jobs import Fusion
from shared.settings import Settings
from worker.model.presets import PRESETS

BUILTIN = "videomae-tiny-untrained"
SHA256 = "ab" * 32

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a model's folder: the built-in one with changes, and a weights file."""

    def write_model(name: str = "mine", **changes: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        trained = {
            "id": name,
            "trained": True,
            "weights": "model.weights.h5",
            "weights_sha256": SHA256,
            "warnings": [],
        }
        for file in ("config.json", "card.json"):
            content = json.loads((BUILTIN_DIR / BUILTIN / file).read_bytes())
            known = {**trained, **changes}
            content.update({key: value for key, value in known.items() if key in content})
            (folder / file).write_text(json.dumps(content))
        (folder / "model.weights.h5").write_bytes(b"weights")
        return folder

    return write_model


def test_builtin_model_is_the_default_and_says_untrained() -> None:
    """Without an operator's folder the catalog holds the default model, which says it is untrained."""
    catalog = read_catalog(None)

    assert not catalog.problems
    assert list(catalog.cards) == [Settings.model_fields["model"].default]
    card = catalog.cards[BUILTIN]
    assert (card.trained, card.weights, card.weights_path) == (False, None, None)
    assert card.warnings == ("untrained_model",)
    assert card.labels == ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


def test_builtin_model_fits_the_settings() -> None:
    """The built-in model takes what the default settings make."""
    card = load_catalog(None)[BUILTIN]

    assert card.window_s == Settings.model_fields["window_s"].default
    assert card.frames == 2 * card.num_frame


def test_names_agree_across_packages() -> None:
    """Presets and fusions of cards are those that the model and the API know."""
    assert set(get_args(PresetName)) == set(PRESETS)
    assert set(get_args(FusionName)) == set(get_args(Fusion))


def test_operators_models_stand_beside_the_builtin(write: Write) -> None:
    """load_catalog returns built-in and the operator's models, with the path of their weights."""
    folder = write("mine", labels=["calm", "angry"], metrics={"uar": 0.5})

    cards = load_catalog(folder.parent)

    assert set(cards) == {BUILTIN, "mine"}
    assert cards["mine"].weights_path == folder / "model.weights.h5"
    assert (cards["mine"].labels, cards["mine"].metrics) == (("calm", "angry"), {"uar": 0.5})


def test_card_is_json_without_paths(write: Write) -> None:
    """A dumped card is JSON and tells nothing of the machine's folders."""
    dumped = read_card(write()).model_dump(mode="json")

    assert json.loads(json.dumps(dumped)) == dumped
    assert "folder" not in dumped


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "format: Input should be 1"),
        ({"preset": "giant"}, "preset: Input should be 'tiny'"),
        ({"labels": ["anger"]}, "labels: Tuple should have at least 2 items"),
        ({"labels": ["anger", "anger"]}, "labels: a label stands twice"),
        ({"labels": ["anger", "=cmd()"]}, "labels.1: String should match pattern"),
        ({"frames": 15}, "frames: Input should be a multiple of 2"),
        ({"input_size": 100}, "input_size: Input should be a multiple of 16"),
        ({"window_s": float("nan")}, "window_s: Input should be"),
        (
            {"normalisation": {"mean": [0, 0, 0], "std": [1, 1, 0]}},
            "normalisation.std.2: Input should be greater",
        ),
        ({"warnings": ["oops"]}, "unknown warning codes: oops"),
        ({"warnings": ["untrained_model"]}, "untrained_model belongs to untrained models"),
        ({"trained": False, "warnings": []}, "untrained_model belongs to untrained models"),
        ({"weights": None}, "a trained model needs a weights file"),
        ({"weights_sha256": None}, "a weights file needs its weights_sha256"),
        ({"weights": "../model.weights.h5"}, "weights: String should match pattern"),
        ({"weights": "other.weights.h5"}, "The weights file other.weights.h5 is missing"),
        ({"id": "../up"}, "id: String should match pattern"),
        ({"id": "other"}, "card.json says id other, but the folder is named mine"),
    ],
)
def test_wrong_values_are_named(write: Write, changes: dict[str, Any], message: str) -> None:
    """A folder with a wrong value is left out, with the key and what is wrong with it."""
    folder = write(**changes)

    catalog = read_catalog(folder.parent)

    assert set(catalog.cards) == {BUILTIN}
    assert [problem.folder for problem in catalog.problems] == [folder]
    assert message in catalog.problems[0].message


@pytest.mark.parametrize("file", ["config.json", "card.json"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is not JSON"),
        (b"\xff\xfe{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1]", "holds no JSON object"),
        (b'{"surprise": 1}', "surprise: Extra inputs are not permitted"),
    ],
    ids=["missing", "empty", "no text", "deep", "list", "other keys"],
)
def test_broken_files_are_named(write: Write, file: str, content: bytes | None, message: str) -> None:
    """A folder whose JSON cannot be read is left out; the others stay."""
    write("good")
    path = write("bad") / file
    path.unlink()
    if content is not None:
        path.write_bytes(content)

    catalog = read_catalog(path.parent.parent)

    assert set(catalog.cards) == {BUILTIN, "good"}
    assert message in catalog.problems[0].message


def test_a_key_has_one_home(write: Write) -> None:
    """A key in both files is a problem: neither wins silently."""
    folder = write()
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, "preset": "huge"}))

    with pytest.raises(ValueError, match=r"both hold preset"):
        read_card(folder)


def test_builtin_ids_cannot_be_taken(write: Write) -> None:
    """An operator's folder with a built-in id is left out: results name models by id."""
    folder = write(BUILTIN)

    catalog = read_catalog(folder.parent)

    assert not catalog.cards[BUILTIN].trained
    assert "A built-in model has the id" in catalog.problems[0].message


def test_a_missing_folder_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    """An operator's folder that is not there leaves the built-in models."""
    catalog = read_catalog(tmp_path / "nowhere")

    assert set(catalog.cards) == {BUILTIN}
    assert catalog.problems[0].message == "The folder cannot be listed: No such file or directory."


def test_other_things_are_no_models(tmp_path: Path) -> None:
    """Files and hidden folders among the models are passed over."""
    (tmp_path / "README.md").write_text("models")
    (tmp_path / ".cache").mkdir()

    assert not read_catalog(tmp_path).problems


def test_problems_are_logged(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    """load_catalog logs each folder it leaves out, with the reason."""
    folder = write(preset="giant")

    with caplog.at_level(logging.WARNING):
        load_catalog(folder.parent)

    assert str(folder) in caplog.text
    assert "preset: Input should be" in caplog.text


def test_catalog_needs_no_model_library() -> None:
    """The catalog is read without TensorFlow, Keras and numpy."""
    program = (
        "import sys; from shared.catalog import load_catalog; load_catalog(None); "
        "sys.exit(len({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.catalog import ModelConfig, load_catalog, read_card, read_catalog
from shared.catalog.card import KEY_METRICS
from shared.catalog.reading import BUILTIN_DIR
from shared.settings import Settings

BUILTIN = "videomae-tiny-untrained"
DEFAULT = "videomae-nano"
MOST_BYTES = 25_000_000
BUILTINS = {DEFAULT, BUILTIN, "videomae-tiny-late-untrained", "videomae-tiny-hybrid-untrained"}
SHA256 = "ab" * 32
TRAINED: dict[str, Any] = {
    "trained": True,
    "weights": "model.weights.h5",
    "weights_sha256": SHA256,
    "warnings": [],
    "affect_source": "annotated",
}


def write(parent: Path, name: str = "mine", **changes: Any) -> Path:
    """Write a model's folder: the built-in one as if trained, with changes, and a weights file."""
    folder = parent / name
    folder.mkdir()
    changes = {"id": name, **TRAINED, **changes}
    of_config = {key: value for key, value in changes.items() if key in ModelConfig.model_fields}
    of_card = {key: value for key, value in changes.items() if key not in of_config}
    for file, changed in (("config.json", of_config), ("card.json", of_card)):
        content = json.loads((BUILTIN_DIR / BUILTIN / file).read_bytes())
        (folder / file).write_text(json.dumps({**content, **changed}))
    (folder / "model.weights.h5").write_bytes(b"weights")
    return folder


def problem(folder: Path) -> str:
    """Return why a folder's model is left out, beside built-in models that are not."""
    catalog = read_catalog(folder.parent)
    assert set(catalog.cards) == BUILTINS
    assert [found.folder for found in catalog.problems] == [folder]
    return catalog.problems[0].message


def test_operators_models_stand_beside_the_builtin(tmp_path: Path) -> None:
    """load_catalog returns built-in and the operator's models, with the path of their weights."""
    folder = write(tmp_path, labels=["calm", "angry"], metrics={"uar": 0.5})

    cards = load_catalog(tmp_path)

    assert set(cards) == {*BUILTINS, "mine"}
    assert cards["mine"].weights_path == folder / "model.weights.h5"
    assert (cards["mine"].labels, cards["mine"].metrics) == (("calm", "angry"), {"uar": 0.5})


def test_card_tells_how_the_model_was_made(tmp_path: Path) -> None:
    """Day, git revision, data, folds and the encoder's source stand in the card, more of the source too."""
    source = {"kind": "safetensors", "sha256": SHA256, "licence": "CC-BY-NC-4.0", "tensors": [1, {"deep": 2}]}
    made = {
        "date": "2026-01-31",
        "revision": "0f9bdb4-dirty",
        "source": source,
        "data": ["crema-d", "ravdess"],
        "folds": {"crema-d": "5 of speakers; figures of the fifth"},
    }

    dumped = read_card(write(tmp_path, **made)).model_dump(mode="json")

    assert {key: dumped[key] for key in made} == made


def test_older_cards_stay_valid() -> None:
    """A card that says nothing of day, revision, source and folds is a card, and says so."""
    content = json.loads((BUILTIN_DIR / BUILTIN / "card.json").read_bytes())
    card = load_catalog(None)[BUILTIN]

    assert not {"date", "revision", "source", "folds"} & set(content)
    assert (card.date, card.revision, card.source, card.folds) == (None, None, None, {})


def test_card_is_json_without_paths(tmp_path: Path) -> None:
    """A dumped card is JSON and tells nothing of the machine's folders."""
    dumped = read_card(write(tmp_path)).model_dump(mode="json")

    assert json.loads(json.dumps(dumped)) == dumped
    assert "folder" not in dumped


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warnings": ["oops"]}, "unknown warning codes: oops"),
        ({"warnings": ["untrained_model"]}, "untrained_model belongs to untrained models"),
        ({"trained": False, "warnings": []}, "untrained_model belongs to untrained models"),
        ({"affect_source": None}, "affect_untrained belongs to trained models whose affect_source is null"),
        ({"affect_source": "class_constant"}, "affect_from_classes belongs to trained models"),
        ({"warnings": ["affect_from_classes"]}, "affect_from_classes belongs to trained models"),
        ({"weights": None}, "a trained model needs a weights file"),
        ({"weights_sha256": None}, "a weights file needs its weights_sha256"),
        ({"weights": "../model.weights.h5"}, "weights: String should match pattern"),
        ({"weights": "other.weights.h5"}, "The weights file other.weights.h5 is missing."),
        ({"weights": "folder.weights.h5"}, "The weights file folder.weights.h5 is missing."),
        ({"id": "../up"}, "id: String should match pattern"),
        ({"id": "other"}, "card.json says id other, but the folder is named mine."),
        ({"licence": ""}, "licence: String should have at least 1 character"),
        ({"date": "yesterday"}, "date: Invalid isoformat string: 'yesterday'"),
        ({"date": 1}, "date: Invalid isoformat string: '1'"),
        ({"revision": "main"}, "revision: String should match pattern"),
        ({"folds": {"mafw": "1 of 5"}}, "folds are of mafw, which data does not name"),
        ({"source": {"kind": "pth", "licence": "MIT"}}, "source.sha256: Field required"),
        (
            {"source": {"kind": "pth", "sha256": "0" * 63, "licence": "MIT"}},
            "source.sha256: String should match",
        ),
        ({"metrics": {"uar": "1e999"}}, "metrics.uar: Input should be a finite number"),
    ],
)
def test_wrong_cards_are_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """A folder whose card.json has a wrong value is left out, with the key and what is wrong with it."""
    folder = write(tmp_path, **changes)
    (folder / "folder.weights.h5").mkdir()

    assert message in problem(folder)


def test_a_source_holds_numbers_that_json_has(tmp_path: Path) -> None:
    """A number too large for a float is refused in what a card says freely, too: no answer could hold it."""
    source = {"kind": "pth", "sha256": SHA256, "licence": "MIT", "loss": "huge"}
    card = write(tmp_path, source=source) / "card.json"
    card.write_text(card.read_text().replace('"huge"', "1e999"))

    assert "source.loss" in problem(card.parent)
    assert "finite number" in problem(card.parent)


@pytest.mark.parametrize("file", ["config.json", "card.json"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is not JSON"),
        (b'{"preset": "ti', "is not JSON: Unterminated string"),
        (b"\xff\xfe{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"value": NaN}', "is not JSON: it holds NaN."),
        (b'{"value": -Infinity}', "is not JSON: it holds -Infinity."),
        (b"[1]", "holds no JSON object"),
        (b'{"surprise": 1}', "surprise: Extra inputs are not permitted"),
    ],
    ids=["missing", "empty", "cut off", "no text", "deep", "nan", "infinity", "list", "other keys"],
)
def test_broken_files_are_named(tmp_path: Path, file: str, content: bytes | None, message: str) -> None:
    """A folder whose JSON cannot be read is left out; the others stay."""
    write(tmp_path, "good")
    path = write(tmp_path, "bad") / file
    path.unlink()
    if content is not None:
        path.write_bytes(content)

    catalog = read_catalog(tmp_path)

    assert set(catalog.cards) == {*BUILTINS, "good"}
    assert message in catalog.problems[0].message
    assert catalog.problems[0].message.endswith(".")


def test_newer_formats_are_named_as_such(tmp_path: Path) -> None:
    """A checkpoint of a later format is told by its format alone, whatever else is new in it."""
    folder = write(tmp_path, format=2, fusion="telepathy", surprise=1)

    assert problem(folder) == (
        "The model was made by a newer avemotion: its format is 2, this version reads 1."
    )


@pytest.mark.parametrize("version", [0, "2", 2.5, None])
def test_other_formats_are_named(tmp_path: Path, version: object) -> None:
    """What is no version of the format is a wrong value."""
    assert problem(write(tmp_path, format=version)).startswith("format: Input should be 1")


def test_a_key_has_one_home(tmp_path: Path) -> None:
    """A key in both files is a problem: neither wins silently."""
    folder = write(tmp_path)
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, "preset": "huge"}))

    with pytest.raises(ValueError, match=r"both hold preset"):
        read_card(folder)


def test_builtin_ids_cannot_be_taken(tmp_path: Path) -> None:
    """An operator's folder with a built-in id is left out: results name models by id."""
    write(tmp_path, BUILTIN)

    catalog = read_catalog(tmp_path)

    assert not catalog.cards[BUILTIN].trained
    assert "A built-in model has the id" in catalog.problems[0].message


def test_a_missing_folder_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    """An operator's folder that is not there leaves the built-in models."""
    catalog = read_catalog(tmp_path / "nowhere")

    assert set(catalog.cards) == BUILTINS
    assert catalog.problems[0].message == "The folder cannot be listed: No such file or directory."


def test_other_things_are_no_models(tmp_path: Path) -> None:
    """Files and hidden folders among the models are passed over."""
    (tmp_path / "README.md").write_text("models")
    (tmp_path / ".cache").mkdir()

    assert not read_catalog(tmp_path).problems


def test_problems_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """load_catalog logs each folder it leaves out, with the reason."""
    folder = write(tmp_path, preset="giant")

    with caplog.at_level(logging.WARNING):
        load_catalog(tmp_path)

    assert str(folder) in caplog.text
    assert "preset: Input should be" in caplog.text


def test_the_default_has_learned_and_says_from_what() -> None:
    """Without an operator's folder the catalog holds the default model, with its data, figures and limits."""
    catalog = read_catalog(None)

    assert not catalog.problems
    card = catalog.cards[Settings.model_fields["model"].default]
    assert (card.id, card.trained, card.affect_source) == (DEFAULT, True, "class_constant")
    assert card.weights_path is not None
    assert card.weights_path.stat().st_size <= MOST_BYTES
    assert card.warnings == ("affect_from_classes",)
    assert set(card.data) == set(card.folds) == {"fer2013", "emodb", "ravdess"}
    assert "official split" in card.folds["fer2013"]
    assert set(KEY_METRICS) < set(card.metrics)
    assert card.revision is not None
    assert "dirty" not in card.revision
    assert card.page_path is not None
    page = card.page_path.read_text()
    assert all(word in page for word in ("research", "pairs", "Out-of-scope"))
    assert f"{card.metrics['war']:.3f}".lstrip("0") in page
    assert card.labels == ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


def test_catalog_needs_no_model_library() -> None:
    """The catalog is read without TensorFlow, Keras and numpy."""
    program = (
        "import sys; from shared.catalog import load_catalog; load_catalog(None); "
        "sys.exit(len({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

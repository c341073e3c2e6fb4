from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.checkpoint.held_out import FoldModel, Voices, load_folds
from bench.checkpoint.subject import Prepared, Subject
from shared.catalog import ModelCard, load_catalog
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from tests.unit.bench.checkpoint.material import scores_of, voice, voice_features
from training.fitting.recipe import load_recipe
from training.fitting.scoring import Arrays, Predict
from training.fitting.state import Place, save_state

SPOKEN = [voice("a", "anger", "03"), voice("b", "neutral", "08"), voice("c", "anger", "03")]


@pytest.fixture
def card() -> ModelCard:
    """Return a card as the recipe for the nano model leaves one."""
    recipe = load_recipe("nano")
    made = {"id": "made", "description": "Made.", "licence": "none", "trained": False, "weights": None}
    config = recipe.config.model_dump()
    return ModelCard(**config, **made, weights_sha256=None, warnings=("untrained_model",))


def saying(label: int) -> Predict:
    """Return a model that says one label, whatever it is given."""

    def predict(inputs: Arrays) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        count = len(inputs["present"])
        probabilities = np.full((count, 3), 0.1, np.float32)
        probabilities[:, label] = 0.8
        return probabilities, np.zeros(count, np.float32), np.zeros(count, np.float32)

    return predict


def test_each_voice_is_judged_by_the_model_that_has_not_heard_it(tmp_path: Path) -> None:
    """Speaker 03 is of the fold that says the first label, 08 of the one that says the second."""
    found = load_catalog(None)["videomae-tiny-untrained"]
    card = found.model_copy(update={"labels": ("anger", "happiness", "neutral"), "input_size": 16})
    subject = Subject(card, saying(2), Settings(), tmp_path, lambda _: None)
    folds = tuple(
        FoldModel(f"fold-{number}", frozenset({f"emodb/{speaker}"}), saying(number))
        for number, speaker in enumerate(("03", "08"))
    )
    features = voice_features(1, frames=card.num_frame)
    library = Prepared({(sample.dataset, sample.id): features for sample in SPOKEN})
    said = Voices(subject, folds).score(SPOKEN, library)
    assert dict(zip(said.samples, said.logits.argmax(axis=1).tolist(), strict=True)) == {
        "a": 0,
        "b": 1,
        "c": 0,
    }
    alone = Voices(subject).score(SPOKEN, library)
    assert set(alone.logits.argmax(axis=1).tolist()) == {2}


def test_voices_of_speakers_that_all_folds_know_are_left_out(tmp_path: Path) -> None:
    """Without a model that has not heard her, a speaker is not judged; without folds, all are."""
    found = load_catalog(None)["videomae-tiny-untrained"]
    subject = Subject(found, saying(0), Settings(), tmp_path, lambda _: None)
    fold = FoldModel("fold-1", frozenset({"emodb/03"}), saying(0))
    assert [sample.id for sample in Voices(subject, (fold,)).known(SPOKEN)] == ["a", "c"]
    assert len(Voices(subject).known(SPOKEN)) == 3


@pytest.mark.slow
def test_a_folds_model_is_what_its_training_has_left(tmp_path: Path, card: ModelCard) -> None:
    """Weights come from the end of its last phase, speakers from those that it was tested on."""
    from training.fitting.rounds import new_network  # noqa: PLC0415 - brings Keras, which other tests do without
    from training.fitting.start import Start  # noqa: PLC0415 - as above
    from worker.model.compiled import load_backend  # noqa: PLC0415 - as above

    load_backend()
    recipe = load_recipe("nano")
    network = new_network(recipe, Start())
    for weight in network.weights:
        weight.assign(weight.value * 0 + 0.01)
    last = Place(len(recipe.phases) - 1, recipe.phases[-1].epochs, "f" * 64)
    for folder in (tmp_path / "fold-1", tmp_path / "phases" / ("f" * 16)):
        folder.mkdir(parents=True)
        save_state(folder, last, network, None)
    scored = scores_of(SPOKEN, [[0.8, 0.1, 0.1]] * 3).scored
    scored.save(tmp_path / "fold-1" / "scored.npz")
    (fold,) = load_folds(tmp_path, card, "nano")
    assert fold.speakers == {"emodb/03", "emodb/08"}
    signature = new_network(recipe, Start()).signature
    inputs = {name: np.ones((1, *shape), dtype) for name, (shape, dtype) in signature.items()}
    probabilities, *_ = fold.predict(inputs)
    # With all weights alike, no label stands out.
    assert probabilities == pytest.approx(1 / len(card.labels), abs=1e-5)
    save_state(tmp_path / "fold-1", replace(last, fingerprint="e" * 64), network, None)
    with pytest.raises(AvemotionError, match="has not the end of its training"):
        load_folds(tmp_path, card, "nano")


def test_a_run_without_folds_is_refused_by_a_sentence(tmp_path: Path, card: ModelCard) -> None:
    """A folder of something else, or a training that has not come to its first fold."""
    with pytest.raises(AvemotionError, match="no fold that is finished") as caught:
        load_folds(tmp_path, card, "nano")
    assert caught.value.code is ErrorCode.INVALID_REQUEST

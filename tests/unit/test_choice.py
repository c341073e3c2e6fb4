from __future__ import annotations

import pytest

from shared.catalog import ModelCard, load_catalog
from shared.catalog.choice import choose_model, default_models
from shared.catalog.config import FusionName
from shared.errors import AvemotionError, ErrorCode

BUILTIN = load_catalog(None)["videomae-tiny-untrained"]


def make_card(name: str, fusion: FusionName, *, trained: bool = False) -> ModelCard:
    return BUILTIN.model_copy(update={"id": name, "fusion": fusion, "trained": trained})


CARDS = {
    card.id: card
    for card in (
        make_card("a-early", "early"),
        make_card("b-early", "early"),
        make_card("c-late", "late"),
        make_card("d-late", "late", trained=True),
        make_card("e-late", "late", trained=True),
    )
}


@pytest.mark.parametrize(
    ("model", "fusion", "chosen"),
    [
        (None, None, "b-early"),
        (None, "early", "b-early"),
        (None, "late", "d-late"),
        ("c-late", None, "c-late"),
        ("c-late", "late", "c-late"),
        ("a-early", "late", "a-early"),
    ],
)
def test_what_is_left_open_is_chosen(model: str | None, fusion: FusionName | None, chosen: str) -> None:
    """The default where it has the fusion, else a trained model before others, by id; a name decides."""
    assert choose_model(CARDS, "b-early", model=model, fusion=fusion).id == chosen


@pytest.mark.parametrize(
    ("default", "model", "fusion", "sentence"),
    [
        ("b-early", "x", None, "There is no model x;"),
        ("b-early", "x", "late", "There is no model x;"),
        ("b-early", None, "hybrid", "There is no model of hybrid fusion here;"),
        ("gone", None, None, "There is no model gone;"),
    ],
)
def test_what_is_not_there_is_said(
    default: str, model: str | None, fusion: FusionName | None, sentence: str
) -> None:
    """A model, a fusion or a default that the catalog does not have is a typed error that names it."""
    with pytest.raises(AvemotionError, match=sentence) as caught:
        choose_model(CARDS, default, model=model, fusion=fusion)
    assert caught.value.code is ErrorCode.MODEL_UNAVAILABLE


def test_the_operators_default_stands_above_training() -> None:
    """Of its own fusion the default is taken, even where another model is trained."""
    assert choose_model(CARDS, "c-late", fusion="late").id == "c-late"


def test_a_fusion_can_be_asked_for_although_the_default_is_gone() -> None:
    """A default model that is not installed stands in nobody's way who asks for something else."""
    assert choose_model(CARDS, "gone", fusion="late").id == "d-late"
    assert choose_model(CARDS, "gone", model="c-late").id == "c-late"


def test_each_fusion_has_its_model_and_none_that_nobody_has() -> None:
    """The listing by fusion is what a request that names the fusion alone gets."""
    assert default_models(CARDS, "b-early") == {"early": "b-early", "late": "d-late"}


def test_every_fusion_is_built_in() -> None:
    """Without any model of the operator's, each fusion can be asked for."""
    cards = load_catalog(None)
    assert set(default_models(cards, "videomae-tiny-untrained")) == {"early", "late", "hybrid"}

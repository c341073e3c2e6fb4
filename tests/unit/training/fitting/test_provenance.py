from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from tests.unit.training.fitting.test_materials import acted, found, materials
from training.datasets.dataset import Dataset
from training.fitting.materials import divisions
from training.fitting.provenance import affect_facts, card_facts
from training.fitting.start import Start


def felt(dataset: Dataset, source: Literal["annotated", "class_constant"]) -> Dataset:
    """Return a data set with valence and arousal from somewhere."""
    samples = tuple(
        replace(sample, valence=0.5, arousal=0.1, affect_source=source) for sample in dataset.samples
    )
    return replace(dataset, samples=samples)


def test_a_card_says_what_figures_are_from() -> None:
    """Folds by their number and source, official parts as such, and one fold alone as one fold."""
    whole = materials(acted(), found())

    facts = card_facts(whole, Start(), divisions(whole, range(1, 6), final=True))
    (one,) = card_facts(materials(acted()), Start(), divisions(materials(acted()), [2], final=True))[
        "folds"
    ].values()

    assert facts["data"] == ["acted", "found"]
    assert "figures from all of them" in facts["folds"]["acted"]
    assert facts["folds"]["found"] == "official split; figures from its test part"
    assert "figures from fold 2" in one
    assert "source" not in facts


@pytest.mark.parametrize(
    ("sources", "said", "warnings"),
    [
        ((), None, ["affect_untrained"]),
        (("annotated",), "annotated", []),
        (("class_constant",), "class_constant", ["affect_from_classes"]),
        # One data set of constants is enough to make the whole no regression.
        (("annotated", "class_constant"), "class_constant", ["affect_from_classes"]),
    ],
)
def test_a_card_says_what_valence_and_arousal_are(
    sources: tuple[Literal["annotated", "class_constant"], ...], said: str | None, warnings: list[str]
) -> None:
    """Annotated, constants of the class, or not learned at all: each with the warning that follows."""
    datasets = [felt(acted(f"d{number}"), source) for number, source in enumerate(sources)]

    facts = affect_facts(materials(*(datasets or [acted()])))

    assert facts == {"affect_source": said, "warnings": warnings}


def test_affect_without_weight_is_not_learned() -> None:
    """What no phase learns is not said to be trained, however well it was annotated."""
    given = materials(felt(acted(), "annotated"))
    phases = tuple(phase.model_copy(update={"affect_weight": 0}) for phase in given.recipe.phases)

    facts = affect_facts(replace(given, recipe=given.recipe.model_copy(update={"phases": phases})))

    assert facts == {"affect_source": None, "warnings": ["affect_untrained"]}

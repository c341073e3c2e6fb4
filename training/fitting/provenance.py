"""What a model's card says of where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.errors import WarningCode
from training.fitting.materials import Division, Materials
from training.fitting.start import Start


def card_facts(materials: Materials, start: Start, rounds: Sequence[Division]) -> dict[str, Any]:
    """Return data sets, how they were split, and what the encoder started from.

    Args:
        materials: What is trained on.
        start: What the networks start from.
        rounds: Of the training.
    """
    names = [dataset.name for dataset in materials.datasets.values()]
    tested = [division.name for division in rounds if division.name != "final"]
    folds = {}
    for dataset in materials.datasets.values():
        if any(sample.split == "test" for sample in dataset.samples):
            folds[dataset.name] = "official split; figures from its test part"
        elif tested and materials.mixed.folds:
            folds[dataset.name] = (
                f"{materials.mixed.folds} folds ({materials.mixed.fold_source}); figures from "
                f"{'all of them' if len(tested) == materials.mixed.folds else ', '.join(tested)}"
            )
    facts: dict[str, Any] = {"data": names, "folds": folds, **affect_facts(materials)}
    source = start.source()
    if source is not None:
        facts["source"] = dict(source)
    return facts


def affect_facts(materials: Materials) -> dict[str, Any]:
    """Return what valence and arousal were learned from, and the warning that follows."""
    sources = {sample.affect_source for sample in materials.mixed.samples} - {None}
    learned = any(phase.affect_weight > 0 for phase in materials.recipe.phases)
    if not sources or not learned:
        return {"affect_source": None, "warnings": [WarningCode.AFFECT_UNTRAINED.code]}
    if "class_constant" in sources:
        return {"affect_source": "class_constant", "warnings": [WarningCode.AFFECT_FROM_CLASSES.code]}
    return {"affect_source": "annotated", "warnings": []}

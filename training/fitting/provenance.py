"""What a model's card says of where it comes from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from training.fitting.materials import Division, Materials
from training.fitting.rounds import Start


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
    facts: dict[str, Any] = {"data": names, "folds": folds}
    beside = None if start.backbone is None else start.backbone.with_name(f"{start.backbone.name}.card.json")
    if beside is not None and beside.exists():
        facts["source"] = json.loads(beside.read_text(encoding="utf-8")).get("source")
    return facts

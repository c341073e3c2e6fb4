"""A published data set: its clips, and what is true of them, by its own names and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from client.score.items import Cell, Item, Selection, invalid, reference_of
from training.datasets.dataset import Dataset, read_dataset
from training.datasets.sample import Sample

TRUTH = ("true_emotion", "label_source", "speaker", "fold", "dataset")
AFFECT = ("true_valence", "true_arousal", "affect_source")
SEVERAL = ";"


def select_dataset(name: str, paths: Sequence[Path], options: Mapping[str, Any]) -> Selection:
    """Return the clips of a data set, with labels, speakers and folds; a part of it will do.

    Args:
        name: One of ``training.datasets.registry.DATASETS``.
        paths: Its folder alone.
        options: Fields of ``training.datasets.options.Options``; None is "not given".

    Raises:
        AvemotionError: ``INVALID_REQUEST``: not one folder; ``INVALID_DATASET``: it is another data set's.
    """
    if len(paths) != 1:
        raise invalid("--dataset reads one folder: name that one.")
    dataset = read_dataset(name, paths[0], **options, partial=True)
    samples = [sample for sample in dataset.samples if sample.video or sample.audio]
    if not samples:
        raise invalid(f"{dataset.name} has stills alone; what is scored are clips.")
    mixed = any(len(sample.emotions or {}) > 1 for sample in samples)
    shares = tuple(f"true_{label}" for label in dataset.labels) if mixed else ()
    rated = any(sample.affect_source for sample in samples)
    return Selection(
        items=tuple(_item(sample, shares) for sample in samples),
        columns=(*TRUTH[:1], *shares, *TRUTH[1:], *(AFFECT if rated else ())),
        notes=tuple(_notes(dataset)),
    )


def _item(sample: Sample, shares: Sequence[str]) -> Item:
    path = sample.video or sample.audio
    assert path is not None  # noqa: S101 - samples without either were left out
    emotions = sample.emotions or {}
    beside: dict[str, Cell] = {
        "true_emotion": SEVERAL.join(emotions) or None,
        **{name: emotions.get(name.removeprefix("true_"), 0.0) if emotions else None for name in shares},
        "label_source": sample.label_source or None,
        "speaker": sample.speaker,
        "fold": sample.fold,
        "dataset": sample.dataset,
    }
    if sample.affect_source is not None:
        beside |= {
            "true_valence": sample.valence,
            "true_arousal": sample.arousal,
            "affect_source": sample.affect_source,
        }
    sound = sample.audio if sample.video else None
    return Item(reference_of(path), path, sound, beside)


def _notes(dataset: Dataset) -> list[str]:
    found = []
    if dataset.problems:
        found.append(
            f"{len(dataset.problems):,} things about the files of {dataset.name} are not as they should be;"
            " `avemotion dataset check` tells them."
        )
    if dataset.fold_source.startswith("made"):
        found.append(f"The folds are {dataset.fold_source}: none came with the data.")
    return found

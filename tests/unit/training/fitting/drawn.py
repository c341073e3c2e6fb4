"""Samples with features in a real cache, and what a phase draws of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.catalog import ModelConfig
from tests.unit.training.features.made import SETTINGS, segment
from training.datasets.sample import Sample
from training.features.cache import FeatureCache
from training.features.drafts import write_whole
from training.features.sample_features import SampleFeatures
from training.features.store import dump
from training.fitting.batches import Drawing
from training.fitting.examples import Library, Voices, examples_of
from training.fitting.parts import part_for
from training.fitting.recipe import Phase

EMOTIONS = ("anger", "joy")
PLAIN = {"pictures": 0, "motion": 0, "sound": 0, "series_dropout": 0}


def a_face(first_crop: int = 1, windows: int = 2) -> SampleFeatures:
    """Return a face that is silent; its crops are filled with numbers from ``first_crop`` on."""
    return segment(first_crop=first_crop, windows=windows, level_db=None)


def a_voice(level_db: float = -20.0, windows: int = 2) -> SampleFeatures:
    """Return a voice without a face, at a level."""
    made = segment(windows=windows, level_db=level_db)
    nothing = made.seen.crops[:0]
    return SampleFeatures(
        windows=made.windows,
        seen=type(made.seen)(nothing, made.seen.found[:0], made.seen.rows * 0 - 1),
        sound=made.sound,
        activity=made.activity,
        silent=False,
        table=made.table,
    )


def phase(**changes: Any) -> Phase:
    """Return a phase that changes nothing of what it draws, unless told to."""
    plain = {"augmentation": PLAIN, "mixup": 0, "label_smoothing": 0, "batch": 2}
    return Phase.model_validate({"name": "all", "epochs": 3, **plain, **changes})


def stored(
    folder: Path, config: ModelConfig, features: Mapping[str, SampleFeatures]
) -> tuple[Library, list[Sample]]:
    """Keep features in a cache; return it as a library, and the samples, whose emotions alternate."""
    cache = FeatureCache.open(folder, config, SETTINGS, "landmarker")
    samples = []
    for number, (name, parts) in enumerate(features.items()):
        path = folder / f"{name}.wav"
        path.touch()
        sample = Sample(name, "made", audio=path, emotions={EMOTIONS[number % 2]: 1.0})
        write_whole(cache.path_of(sample), dump(parts, is_still=False))
        samples.append(sample)
    return Library(cache), samples


def drawing(
    folder: Path, config: ModelConfig, features: Mapping[str, SampleFeatures], chosen: Phase
) -> Drawing:
    """Return what a phase draws from samples with these features."""
    library, samples = stored(folder, config, features)
    pairs = chosen.draw == "pairs"
    return Drawing(
        config=config,
        phase=chosen,
        library=library,
        examples=examples_of(samples, library, "faces" if pairs else chosen.draw, {}),
        voices=Voices(examples_of(samples, library, "voices", {})) if pairs else None,
        class_weights={},
        seed=(1, 0),
        part=part_for(config, chosen.draw, chosen.tubelets),
        single_frames=False,
    )

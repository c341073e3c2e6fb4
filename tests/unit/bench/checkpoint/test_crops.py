from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bench.checkpoint.crops import REFRAMES, shifted, zoomed
from shared.catalog import ModelCard, load_catalog
from shared.settings import Settings
from tests.media_factory import face_frames
from tests.unit.bench.checkpoint.material import still_features
from training.features.sample_features import SampleFeatures
from worker.faces import load_analyzer
from worker.media.sandbox import no_checkpoint


@pytest.fixture(scope="module")
def card() -> ModelCard:
    found = load_catalog(None)["videomae-tiny-untrained"]
    return found.model_copy(update={"input_size": 48, "face_zoom": 1.4})


@pytest.fixture(scope="module")
def features() -> Callable[[ModelCard], SampleFeatures]:
    """Return what makes features of a real face, framed as a card asks for."""
    analyzer = load_analyzer("landmarker", Settings())

    def make(card: ModelCard) -> SampleFeatures:
        track = analyzer.analyze(
            face_frames()[:1], fps=25, first_frame=0, keep=[0],
            crop_size=card.input_size, crop_zoom=card.face_zoom, checkpoint=no_checkpoint,
        )  # fmt: skip
        made = still_features()
        return replace(made, seen=replace(made.seen, crops=track.crops, found=track.found))

    return make


def test_a_crop_that_is_not_shifted_is_the_usual_one(
    card: ModelCard, features: Callable[[ModelCard], SampleFeatures]
) -> None:
    """Cutting a crop out of a wider one changes its place and nothing else: to the bit."""
    assert features(card).seen.found.all()
    assert (shifted(card, features, 0, 0).seen.crops == features(card).seen.crops).all()


def test_a_shifted_crop_shows_the_same_pixels_elsewhere(
    card: ModelCard, features: Callable[[ModelCard], SampleFeatures]
) -> None:
    """Five pixels to the right and none down: the face moves to the left by five."""
    plain = features(card).seen.crops
    moved = shifted(card, features, 0.1, 0).seen.crops
    assert moved.shape == plain.shape
    assert (moved[:, :, :43] == plain[:, :, 5:]).all()
    down = shifted(card, features, 0, 0.1).seen.crops
    assert (down[:, :43] == plain[:, 5:]).all()


def test_a_tight_crop_shows_the_middle_of_the_usual_one(
    card: ModelCard, features: Callable[[ModelCard], SampleFeatures]
) -> None:
    """Eight tenths of the side: what is drawn at 60 pixels and cut to its middle 48 is the same picture."""
    assert zoomed(card, 0.8).face_zoom == pytest.approx(1.75)
    tight = features(zoomed(card, 0.8)).seen.crops
    larger = features(card.model_copy(update={"input_size": 60})).seen.crops
    assert np.abs(tight.astype(int) - larger[:, 6:54, 6:54]).max() <= 1


def test_each_reframing_keeps_size_and_measures(
    card: ModelCard, features: Callable[[ModelCard], SampleFeatures]
) -> None:
    """The model is given crops of its own size; what was measured of the face is left alone."""
    plain = features(card)
    for reframe in REFRAMES.values():
        for number in range(4):
            changed = reframe(card, features, number)
            assert changed.seen.crops.shape == plain.seen.crops.shape
            assert (changed.seen.crops != plain.seen.crops).any()

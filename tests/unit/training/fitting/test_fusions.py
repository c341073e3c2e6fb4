from __future__ import annotations

from typing import get_args

import pytest

from shared.catalog.config import FusionName
from shared.errors import AvemotionError
from tests.unit.model.mini_networks import mini_network
from training.fitting.fusions import with_fusion
from training.fitting.recipe import load_recipe
from training.fitting.trainee import freeze


@pytest.mark.parametrize("fusion", get_args(FusionName))
@pytest.mark.parametrize("name", ["finetune", "nano"])
def test_a_recipe_takes_any_fusion(name: str, fusion: FusionName) -> None:
    """What one way of fusing has and another has not comes and goes; all else stays."""
    recipe = load_recipe(name, sources=["crema-d"])

    changed = with_fusion(recipe, fusion)

    assert changed.config.fusion == fusion
    assert (changed.config.preset, changed.config.num_frame) == (
        recipe.config.preset,
        recipe.config.num_frame,
    )
    assert changed.phases == recipe.phases
    assert with_fusion(changed, recipe.config.fusion).config.frames == recipe.config.frames


def test_what_does_not_go_together_is_an_error() -> None:
    """A spectrogram that cannot be cut into patches keeps a recipe from hybrid fusion, in a sentence."""
    recipe = load_recipe("finetune", {"model.audio.mel_bands": 60}, ["crema-d"])

    with pytest.raises(AvemotionError, match="hybrid fusion"):
        with_fusion(recipe, "hybrid")


def test_what_is_frozen_is_frozen_in_both_branches() -> None:
    """A recipe that freezes the encoder freezes both of late fusion."""
    network = mini_network("late logits")

    freeze(network, ("backbone",))

    assert {weight.path.split("/")[0] for weight in network.trainable_variables} == {
        "modality", "audio_emotion", "video_emotion", "audio_affect", "video_affect",
    }  # fmt: skip

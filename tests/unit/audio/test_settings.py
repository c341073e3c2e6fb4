from __future__ import annotations

import pytest

from shared.catalog import load_catalog
from shared.errors import AvemotionError
from worker.audio.settings import check_audio

CARDS = load_catalog(None)


@pytest.mark.parametrize("model", CARDS)
def test_built_in_models_hear_what_this_version_computes(model: str) -> None:
    """Every built-in model was made for sound as it is turned into features here."""
    check_audio(CARDS[model])


def test_a_model_that_hears_otherwise_is_told_apart() -> None:
    """A checkpoint made with other features is refused with what differs, not scored wrongly."""
    card = CARDS["videomae-tiny-untrained"]
    other = card.audio.model_copy(update={"mel_bands": 80, "hop_samples": 320})

    with pytest.raises(AvemotionError, match="hop_samples 320, not 160; mel_bands 80, not 64") as caught:
        check_audio(card.model_copy(update={"audio": other}))

    assert caught.value.code.code == "model_unavailable"

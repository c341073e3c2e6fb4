from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.errors import AvemotionError, ErrorCode
from tests.unit.model.minis import MINI, clips, mini_card, randomise, reference_backbone
from worker.model.network import build_network, normalise

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def test_pixels_are_normalised_per_channel() -> None:
    """The normalise layer takes each channel of 0 to 255 to (pixel / 255 - mean) / std."""
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 1, 16, 16, 3)

    result = normalise(mini_card().normalisation)(pixels)

    np.testing.assert_allclose(result, (pixels / 255 - MEAN) / STD, atol=1e-6)


def test_network_is_normalisation_encoder_and_heads() -> None:
    """The network's outputs are linear logits and tanh valence, arousal of the pooled features."""
    network = build_network(mini_card(), MINI)
    weights = randomise(network)
    frames = clips(2)

    outputs = network({"frames": frames})

    for index, frame in enumerate((frames / 255 - MEAN) / STD):
        _, pooled = reference_backbone(frame, weights, MINI)
        logits = pooled @ weights["emotion/kernel"] + weights["emotion/bias"]
        affect = np.tanh(pooled @ weights["affect/kernel"] + weights["affect/bias"])
        np.testing.assert_allclose(outputs["logits"][index], logits, atol=2e-5)
        np.testing.assert_allclose([outputs["valence"][index], outputs["arousal"][index]], affect, atol=2e-5)


def test_heads_stay_in_float32() -> None:
    """In mixed bfloat16 every output is float32."""
    outputs = build_network(mini_card(), MINI, dtype="mixed_bfloat16")({"frames": clips(1)})

    assert {name: output.dtype for name, output in outputs.items()} == dict.fromkeys(outputs, "float32")


@pytest.mark.parametrize("fusion", ["late", "hybrid"])
def test_other_fusions_are_refused(fusion: str) -> None:
    """A fusion that is not known here is a typed error that names it."""
    with pytest.raises(AvemotionError, match=fusion) as caught:
        build_network(mini_card(fusion=fusion), MINI)

    assert caught.value.code is ErrorCode.MODEL_UNAVAILABLE


def test_training_weights_serve(tmp_path: Path) -> None:
    """Weights saved from a network with drop-path load into one without."""
    trained = build_network(mini_card(), MINI, drop_path=0.2)
    weights = randomise(trained)
    trained.save_weights(tmp_path / "model.weights.h5")

    served = build_network(mini_card(), MINI)
    served.load_weights(tmp_path / "model.weights.h5")

    for weight in served.weights:
        np.testing.assert_array_equal(weight.numpy(), weights[weight.path])

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.model.mini_networks import Inputs, fixed_network, inputs_of, mini_config, mini_network, run
from tests.unit.model.minis import MINI, Floats, Weights, reference_backbone, reference_gelu
from worker.model.networks import Network, build_network
from worker.model.weights import initialise

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def features_of(network: Network, inputs: Inputs) -> tuple[Floats, Floats, Weights]:
    """Return what plain arithmetic pools of the sound's and the face's branch, and the weights by name."""
    weights = {weight.path: weight.numpy() for weight in network.weights}
    pooled = []
    for branch, name in (("audio_", "images"), ("video_", "faces")):
        prefix = "" if network.config.shared_encoder else branch
        own = {
            path.removeprefix(prefix): values
            for path, values in weights.items()
            if path.startswith(f"{prefix}backbone/")
        }
        frames = (inputs[name][0] / 255 - MEAN) / STD
        pooled.append(reference_backbone(frames, own, MINI)[1])
    return *pooled, weights


def dense(values: Floats, weights: Weights, name: str) -> Floats:
    result: Floats = values @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
    return result


@pytest.mark.parametrize("variant", ["late logits", "late shared"])
def test_logits_are_joined_by_learned_weights(variant: str) -> None:
    """What the heads of both branches say is averaged with softmax weights, before softmax and tanh."""
    network = mini_network(variant)
    network.modality.scores.assign(np.log([3.0, 1.0]))
    inputs = inputs_of(network, 1)

    outputs = run(network, inputs, masked=False)

    audio, video, weights = features_of(network, inputs)
    for name, output in (
        ("emotion", outputs["logits"][0]),
        ("affect", np.arctanh([outputs["valence"][0], outputs["arousal"][0]])),
    ):
        expected = 0.75 * dense(audio, weights, f"audio_{name}") + 0.25 * dense(
            video, weights, f"video_{name}"
        )
        np.testing.assert_allclose(output, expected, atol=1e-4)


def test_features_are_joined_by_their_mean() -> None:
    """The heads read the mean of both branches' features, each after a projection and a GELU."""
    network = fixed_network("late features")
    inputs = inputs_of(network, 1)

    outputs = run(network, inputs, masked=False)

    audio, video, weights = features_of(network, inputs)
    projected = [dense(audio, weights, "audio_projection"), dense(video, weights, "video_projection")]
    joined = np.mean([reference_gelu(values) for values in projected], axis=0)
    np.testing.assert_allclose(outputs["logits"][0], dense(joined, weights, "emotion"), atol=2e-5)
    affect = np.tanh(dense(joined, weights, "affect"))
    np.testing.assert_allclose([outputs["valence"][0], outputs["arousal"][0]], affect, atol=2e-5)


@pytest.mark.parametrize(
    ("variant", "encoders"), [("late logits", 2), ("late features", 2), ("late shared", 1)]
)
def test_encoders_are_shared_where_asked(variant: str, encoders: int) -> None:
    """The branches have an encoder each, or one between them."""
    paths = [weight.path for weight in fixed_network(variant).weights]

    assert len([path for path in paths if path.endswith("backbone/fc_norm/gamma")]) == encoders
    assert ("backbone/fc_norm/gamma" in paths) == (encoders == 1)


def test_branches_start_equal() -> None:
    """Before training both branches count the same, though their weights differ."""
    network = build_network(mini_config("late logits"), MINI)
    initialise(network)

    np.testing.assert_array_equal(network.modality(None), [[0.5, 0.5]])
    kernels = {weight.path: weight.numpy() for weight in network.weights if weight.name == "kernel"}
    assert np.any(kernels["audio_emotion/kernel"] != kernels["video_emotion/kernel"])

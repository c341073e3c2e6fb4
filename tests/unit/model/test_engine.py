from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from shared.errors import AvemotionError, ErrorCode
from tests.unit.model.minis import FRAMES, MINI, SIDE_PX, clips, mini_card, randomise
from worker.model.engine import Engine
from worker.model.network import build_network
from worker.model.presets import PRESETS
from worker.model.weights import weights_sha256


@pytest.fixture(scope="module")
def engine() -> Engine:
    network = build_network(mini_card(), MINI)
    randomise(network)
    return Engine(mini_card(), network, precision="float32", largest_batch=8)


@pytest.fixture
def mini_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Engine.load build a model in no time."""
    monkeypatch.setattr("worker.model.engine.PRESETS", {**PRESETS, "tiny": MINI})


def test_predictions_have_their_form(engine: Engine) -> None:
    """Engine.predict returns float32: rows of probabilities that sum to 1, affect within -1 and 1."""
    found = engine.predict({"frames": clips(3)})

    assert found.probabilities.shape == (3, 7)
    assert found.valence.shape == found.arousal.shape == (3,)
    assert {array.dtype for array in (found.probabilities, found.valence, found.arousal)} == {
        np.dtype(np.float32)
    }
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-6)
    assert (found.probabilities >= 0).all()
    assert np.abs([found.valence, found.arousal]).max() <= 1
    assert len(np.unique(found.probabilities, axis=0)) == 3


def test_extreme_weights_stay_in_bounds() -> None:
    """Engine.predict keeps its bounds with weights a hundred times too large."""
    network = build_network(mini_card(), MINI)
    randomise(network, scale=100)

    found = Engine(mini_card(), network, precision="float32").predict({"frames": clips(2)})

    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-6)
    assert np.abs([found.valence, found.arousal]).max() == 1


@pytest.mark.parametrize("count", [2, 5, 7, 8, 11, 19])
def test_company_does_not_matter(engine: Engine, count: int) -> None:
    """A window's prediction is the same alone, in a full batch, beside padding, and in a later batch."""
    frames = clips(count, seed=count)
    together = engine.predict({"frames": frames})

    for index in (0, count - 1):
        alone = engine.predict({"frames": frames[index : index + 1]})
        np.testing.assert_allclose(together.probabilities[index], alone.probabilities[0], atol=1e-5)
        np.testing.assert_allclose(together.valence[index], alone.valence[0], atol=1e-5)
        np.testing.assert_allclose(together.arousal[index], alone.arousal[0], atol=1e-5)


def test_outputs_do_not_swap(engine: Engine) -> None:
    """Engine.predict gives the network's own valence as valence and arousal as arousal."""
    network = build_network(mini_card(), MINI)
    weights = randomise(network)
    outputs = network({"frames": clips(2)})

    found = engine.predict({"frames": clips(2)})

    logits = np.exp(np.array(outputs["logits"], np.float64))
    np.testing.assert_allclose(found.probabilities, logits / logits.sum(axis=1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(found.valence, outputs["valence"], atol=1e-5)
    np.testing.assert_allclose(found.arousal, outputs["arousal"], atol=1e-5)
    assert engine.weights_sha256 == weights_sha256(network)
    assert weights["emotion/kernel"].shape == (24, 7)


def test_traced_once(engine: Engine) -> None:
    """No number of windows makes TensorFlow trace the network again."""
    engine.warm_up()

    for count in (1, 2, 3, 7, 8, 9):
        engine.predict({"frames": clips(count)})

    assert engine._forward.traces == 1


def test_no_windows_no_predictions(engine: Engine) -> None:
    """Engine.predict of no windows returns empty arrays."""
    found = engine.predict({"frames": clips(0)})

    assert (found.probabilities.shape, found.valence.shape) == ((0, 7), (0,))


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"other": clips(1)},
        {"frames": clips(1), "more": clips(1)},
        {"frames": clips(1)[:, :2]},
        {"frames": clips(1)[..., :1]},
        {"frames": clips(1).astype(np.float32)},
    ],
    ids=["nothing", "other name", "one too many", "frames", "channels", "floats"],
)
def test_wrong_inputs_are_typed_errors(engine: Engine, inputs: dict[str, np.ndarray]) -> None:
    """Engine.predict says what it takes and what it was given."""
    with pytest.raises(AvemotionError, match=rf"takes frames: uint8 \(N, {FRAMES}, {SIDE_PX}") as caught:
        engine.predict(inputs)

    assert caught.value.code is ErrorCode.INTERNAL_ERROR


@pytest.mark.parametrize("name", ["emotion", "affect"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nonsense_is_never_returned(name: str, value: float) -> None:
    """Outputs that are not finite are a typed error."""
    network = build_network(mini_card(), MINI)
    kernel = network.get_layer(name).kernel
    kernel.assign(np.full(kernel.shape, value))

    with pytest.raises(AvemotionError, match="no numbers") as caught:
        Engine(mini_card(), network, precision="float32").predict({"frames": clips(1)})

    assert caught.value.code is ErrorCode.INTERNAL_ERROR


@pytest.mark.usefixtures("mini_preset")
def test_two_workers_agree() -> None:
    """Two loads of an untrained model have the same weights and predictions."""
    first, second = (Engine.load(mini_card(), precision="float32") for _ in range(2))

    assert first.weights_sha256 == second.weights_sha256
    found = [engine.predict({"frames": clips(2)}) for engine in (first, second)]
    np.testing.assert_array_equal(found[0].probabilities, found[1].probabilities)


@pytest.mark.usefixtures("mini_preset")
def test_precision_can_be_chosen() -> None:
    """Engine.load computes in the precision asked for; the weights' hash is the same in each."""
    engines = [Engine.load(mini_card(), precision=precision) for precision in ("float32", "bfloat16")]

    assert [engine.precision for engine in engines] == ["float32", "bfloat16"]
    assert engines[0].weights_sha256 == engines[1].weights_sha256
    exact, near = (engine.predict({"frames": clips(2)}).probabilities for engine in engines)
    assert 0 < np.abs(near - exact).max() < 0.05


@pytest.mark.usefixtures("mini_preset")
def test_weights_come_from_the_file(tmp_path: Path) -> None:
    """Engine.load fills the network from the card's file, and refuses a file the card does not name."""
    network = build_network(mini_card(), MINI)
    randomise(network)
    network.save_weights(tmp_path / "model.weights.h5")
    card = mini_card(folder=tmp_path, weights="model.weights.h5", weights_sha256=weights_sha256(network))

    assert Engine.load(card, precision="float32").weights_sha256 == card.weights_sha256

    with pytest.raises(AvemotionError, match="not those that its card names") as caught:
        Engine.load(card.model_copy(update={"weights_sha256": "0" * 64}))
    assert caught.value.code is ErrorCode.MODEL_UNAVAILABLE


def test_import_is_cheap_and_threads_are_limited() -> None:
    """Importing the engine brings no TensorFlow; limit_threads then holds TensorFlow to a number."""
    program = (
        "import sys, worker.model.engine\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
        "from worker.model.forward import limit_threads\n"
        "limit_threads(1)\n"
        "import tensorflow as tf\n"
        "assert tf.config.threading.get_intra_op_parallelism_threads() == 1\n"
        "tf.constant(1)\n"
        "limit_threads(1)\n"
        "try:\n    limit_threads(2)\nexcept RuntimeError:\n    print('refused')\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.errors import AvemotionError, ErrorCode
from tests.unit.model.mini_networks import (
    KINDS,
    PRESENT,
    Inputs,
    fixed_network,
    inputs_of,
    run,
)
from tests.unit.model.minis import FRAMES, MINI, SIDE_PX, clips, mini_card, randomise
from worker.model.batches import Batching
from worker.model.engine import Engine, Predictions
from worker.model.networks import build_network
from worker.model.presets import PRESETS
from worker.model.weights import weights_sha256


@pytest.fixture(scope="module")
def engine() -> Engine:
    network = build_network(mini_card(), MINI)
    randomise(network)
    return Engine(mini_card(), network, precision="float32")


@pytest.fixture
def mini_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Engine.load build a model in no time."""
    monkeypatch.setattr("worker.model.engine.PRESETS", {**PRESETS, "tiny": MINI})


def windows(count: int, seed: int = 0) -> Inputs:
    return {"frames": clips(count, seed), "present": np.ones((count, 2), np.uint8)}


def part(inputs: Inputs, rows: Any) -> Inputs:
    return {name: array[rows] for name, array in inputs.items()}


def table(found: Predictions) -> np.ndarray:
    return np.column_stack([found.probabilities, found.valence, found.arousal])


def test_predictions_have_their_form(engine: Engine) -> None:
    """Engine.predict returns float32: rows of probabilities that sum to 1, affect within -1 and 1."""
    found = engine.predict(windows(3))

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

    found = Engine(mini_card(), network, precision="float32").predict(windows(2))

    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-6)
    assert np.abs([found.valence, found.arousal]).max() == 1


@pytest.mark.parametrize("count", [2, 5, 7, 8, 11, 19])
def test_company_does_not_matter(engine: Engine, count: int) -> None:
    """A window's prediction is the same alone, in a full batch, beside padding, and in a later batch."""
    given = windows(count, seed=count)
    together = table(engine.predict(given))

    for index in (0, count - 1):
        alone = table(engine.predict(part(given, slice(index, index + 1))))
        np.testing.assert_allclose(together[index], alone[0], atol=1e-5)


@pytest.mark.parametrize("variant", KINDS)
def test_predictions_are_the_networks_own(variant: str) -> None:
    """Whatever windows of a batch lack, each gets what the masked network says of it, in its own row."""
    network = fixed_network(variant)
    # Three of each case, in an order in which complete windows and others alternate.
    present = np.tile(PRESENT[[1, 0, 2]], (3, 1))
    inputs = {**inputs_of(network, len(present)), "present": present}
    if "series" in inputs:
        inputs["series"][:, ::2, 0] = np.nan
    expected = run(network, inputs, masked=True)
    card = mini_card(**network.config.model_dump())

    found = Engine(card, network, precision="float32", batching=Batching(3)).predict(inputs)

    exponentials = np.exp(expected["logits"].astype(np.float64))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities, probabilities, atol=1e-5)
    np.testing.assert_allclose(found.valence, expected["valence"], atol=1e-5)
    np.testing.assert_allclose(found.arousal, expected["arousal"], atol=1e-5)


def test_complete_windows_take_the_fast_way(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows with both modalities run without a mask, and only they do."""
    ran: dict[bool, list[int]] = {False: [], True: []}
    for masked, forward in engine._forwards.items():

        def noted(inputs: Inputs, ways: Any = (masked, forward)) -> Any:
            ran[ways[0]].append(len(inputs["frames"]))
            return ways[1](inputs)

        monkeypatch.setitem(engine._forwards, masked, noted)

    engine.predict({**windows(8), "present": PRESENT[[0, 1, 0, 2, 0, 0, 2, 0]]})

    assert ran == {False: [4, 1], True: [2, 1]}


def test_nothing_is_traced_after_warm_up(engine: Engine) -> None:
    """After warm_up no number of windows, and nothing that they lack, makes Keras trace the network."""
    engine.warm_up()
    traces = [forward.traces for forward in engine._forwards.values()]

    for count in (1, 2, 3, 7, 8, 9):
        engine.predict({**windows(count), "present": PRESENT[np.arange(count) % 3]})

    assert [forward.traces for forward in engine._forwards.values()] == traces == [4, 4]


def test_no_windows_no_predictions(engine: Engine) -> None:
    """Engine.predict of no windows returns empty arrays."""
    found = engine.predict(windows(0))

    assert (found.probabilities.shape, found.valence.shape) == ((0, 7), (0,))


@pytest.mark.parametrize(
    "wrong",
    [
        {"frames": None},
        {"present": None},
        {"more": clips(1)},
        {"frames": clips(1)[:, :2]},
        {"frames": clips(1)[..., :1]},
        {"frames": clips(1).astype(np.float32)},
        {"present": np.ones((2, 2), np.uint8)},
        {"present": np.ones((1, 2), bool)},
    ],
    ids=["missing", "no presence", "one too many", "frames", "channels", "floats", "counts", "booleans"],
)
def test_wrong_inputs_are_typed_errors(engine: Engine, wrong: dict[str, np.ndarray | None]) -> None:
    """Engine.predict says what it takes and what it was given."""
    inputs = {name: array for name, array in {**windows(1), **wrong}.items() if array is not None}

    with pytest.raises(AvemotionError, match=rf"takes frames: uint8 \(N, {FRAMES}, {SIDE_PX}") as caught:
        engine.predict(inputs)

    assert caught.value.code is ErrorCode.INTERNAL_ERROR


@pytest.mark.parametrize("name", ["emotion", "affect"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nonsense_is_never_returned(name: str, value: float) -> None:
    """Outputs that are not finite are a typed error."""
    network = build_network(mini_card(), MINI)
    kernel = getattr(network, name).kernel
    kernel.assign(np.full(kernel.shape, value))

    with pytest.raises(AvemotionError, match="no numbers") as caught:
        Engine(mini_card(), network, precision="float32").predict(windows(1))

    assert caught.value.code is ErrorCode.INTERNAL_ERROR


@pytest.mark.usefixtures("mini_preset")
def test_two_workers_agree() -> None:
    """Two loads of an untrained model have the same weights and predictions."""
    first, second = (Engine.load(mini_card(), precision="float32") for _ in range(2))

    assert first.weights_sha256 == second.weights_sha256
    np.testing.assert_array_equal(*(table(engine.predict(windows(2))) for engine in (first, second)))


@pytest.mark.usefixtures("mini_preset")
def test_precision_can_be_chosen() -> None:
    """Engine.load computes in the precision asked for; the weights' hash is the same in each."""
    engines = [Engine.load(mini_card(), precision=precision) for precision in ("float32", "bfloat16")]

    assert [engine.precision for engine in engines] == ["float32", "bfloat16"]
    assert engines[0].weights_sha256 == engines[1].weights_sha256
    exact, near = (table(engine.predict(windows(2))) for engine in engines)
    assert 0 < np.abs(near - exact).max() < 0.05


@pytest.mark.usefixtures("mini_preset")
def test_xla_can_be_switched() -> None:
    """Engine.load compiles with XLA when told to, and predicts what it predicts without."""
    plain, compiled = (
        Engine.load(mini_card(), precision="float32", xla=xla, largest_batch=2) for xla in ("auto", "on")
    )

    assert [engine._forwards[False]._graph._jit_compile for engine in (plain, compiled)] == [False, True]
    np.testing.assert_allclose(*(table(e.predict(windows(2))) for e in (plain, compiled)), atol=1e-5)


@pytest.mark.usefixtures("mini_preset")
@pytest.mark.parametrize(("size_px", "largest", "windows_at_a_time"), [(224, 8, 1), (160, 8, 2), (32, 8, 8)])
def test_memory_is_bounded_on_a_processor(size_px: int, largest: int, windows_at_a_time: int) -> None:
    """Engine.load runs as many windows at a time as were asked for, and fewer where that is no faster."""
    card = mini_card(input_size=size_px, num_frame=8, frames=16)

    engine = Engine.load(card, precision="float32", largest_batch=largest)

    assert engine._batching.sizes[-1] == windows_at_a_time


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


def test_import_is_cheap() -> None:
    """Importing the engine brings no backend, nor Keras."""
    program = "import sys, json, worker.model.engine; print(json.dumps(sorted(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert not {"tensorflow", "keras", "jax", "torch"} & set(json.loads(done.stdout))

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.errors import AvemotionError, ErrorCode
from tests.unit.model.mini_networks import mini_network
from tests.unit.model.minis import randomise
from training.fitting.optimizer import make_optimizer
from training.fitting.recipe import Phase
from training.fitting.state import Place, read_state, restore, save_state

PLACE = Place(1, 7, "abc")
PHASE = Phase.model_validate({"name": "all", "epochs": 10, "ema": 0.9})


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    """Weights, optimizer and place are the same after a new start."""
    network, other = mini_network("early audio-first"), mini_network("early audio-first")
    optimizer, fresh = (make_optimizer(PHASE, 10, 2) for _ in range(2))
    optimizer.build(network.trainable_variables)
    fresh.build(other.trainable_variables)
    optimizer.variables[-1].assign(optimizer.variables[-1] + 3)
    randomise(network, seed=5)

    save_state(tmp_path, PLACE, network, optimizer)
    state = read_state(tmp_path)
    assert state is not None
    restore(state[1], other, fresh)

    assert state[0] == PLACE
    for saved, found in zip(network.variables, other.variables, strict=True):
        np.testing.assert_array_equal(saved.numpy(), found.numpy())
    np.testing.assert_array_equal(optimizer.variables[-1].numpy(), fresh.variables[-1].numpy())


def test_nothing_saved_is_no_state(tmp_path: Path) -> None:
    """A training that has just begun has nothing to go on from."""
    assert read_state(tmp_path) is None


def test_a_damaged_state_is_said_to_be_damaged(tmp_path: Path) -> None:
    """A file that was cut off ends in a sentence that names it."""
    save_state(tmp_path, PLACE, mini_network("early audio-first"), None)
    path = tmp_path / "state.npz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(AvemotionError, match="is damaged") as caught:
        read_state(tmp_path)

    assert caught.value.code is ErrorCode.TRAINING_FAILED
    assert str(path) in caught.value.message


def test_the_state_of_another_network_is_refused(tmp_path: Path) -> None:
    """Weights of other shapes are not taken."""
    save_state(tmp_path, PLACE, mini_network("late logits"), None)
    state = read_state(tmp_path)
    assert state is not None

    with pytest.raises(AvemotionError, match="another network"):
        restore(state[1], mini_network("early audio-first"), None)


def test_a_state_that_cannot_be_written_leaves_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk the training stops with a sentence, and what was kept before is still there."""
    network = mini_network("early audio-first")
    save_state(tmp_path, PLACE, network, None)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(AvemotionError, match="No space left") as caught:
        save_state(tmp_path, Place(1, 8, "abc"), network, None)
    monkeypatch.undo()

    assert caught.value.code is ErrorCode.TRAINING_FAILED
    state = read_state(tmp_path)
    assert state is not None
    assert state[0] == PLACE
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]

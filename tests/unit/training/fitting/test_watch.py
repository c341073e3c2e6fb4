from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from shared.errors import AvemotionError, ErrorCode
from tests.unit.model.mini_networks import mini_network
from tests.unit.training.features.made import config, segment
from tests.unit.training.fitting.drawn import drawing, phase
from training.fitting.batches import Batches
from training.fitting.optimizer import make_optimizer
from training.fitting.recipe import Phase
from training.fitting.state import Place, read_state
from training.fitting.trainee import Trainee
from training.fitting.watch import Step, Watch, averaged


def trainee_of(chosen: Phase) -> Trainee:
    """Return a small network that is ready to be fitted."""
    network = mini_network("early audio-first")
    trainee = Trainee(network, None, chosen.affect_weight)
    optimizer = make_optimizer(chosen, 2, depth=2)
    optimizer.build(trainee.trainable_variables)
    trainee.compile(optimizer)
    return trainee


def moved(trainee: Trainee) -> None:
    """Take a step, whatever the gradient."""
    variables = trainee.trainable_variables
    trainee.optimizer.apply([keras.ops.ones(variable.shape) for variable in variables], variables)


def values(trainee: Trainee) -> list[np.ndarray]:
    return [weight.numpy().copy() for weight in trainee.trainable_variables]


class Seen:
    """What a watch has told, and the watch."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        """Watch a phase of two batches an epoch."""
        self.phase = phase(batch=1, **changes)
        self.trainee = trainee_of(self.phase)
        self.steps: list[Step] = []
        self.rows: list[dict[str, Any]] = []
        self.watch = Watch(
            Batches(drawing(folder, config("late"), {"both": segment()}, self.phase)),
            folder,
            Place(0, 0, "abc"),
            validate=lambda: {"validation_war": 0.5},
            tell=self.steps.append,
            log_row=lambda row: self.rows.append(dict(row)),
        )
        self.watch.set_model(self.trainee)


def test_each_epoch_is_logged_and_kept(tmp_path: Path) -> None:
    """After an epoch the log has its row, with the validation's figures, and the state says how far it is."""
    seen = Seen(tmp_path)

    for epoch in range(2):
        seen.watch.on_epoch_begin(epoch)
        seen.watch.on_train_batch_end(0, {"loss": 2.0})
        seen.watch.on_epoch_end(epoch, {"loss": 2.0, "accuracy": 0.25})

    assert [(row["epoch"], row["loss"], row["validation_war"]) for row in seen.rows] == [
        (1, 2, 0.5),
        (2, 2, 0.5),
    ]
    assert [(step.epoch, step.epochs, step.batch, step.batches) for step in seen.steps] == [
        (1, 3, 1, 2),
        (2, 3, 1, 2),
    ]
    state = read_state(tmp_path)
    assert state is not None
    assert state[0] == Place(0, 2, "abc")


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_at_once(tmp_path: Path, loss: float) -> None:
    """The sentence names step, epoch and batch, and the state of the epoch before is still there."""
    seen = Seen(tmp_path)
    seen.watch.on_epoch_begin(0)
    seen.watch.on_epoch_end(0, {"loss": 2.0})
    seen.watch.on_epoch_begin(1)

    said = r"no number at step 4 of phase all \(epoch 2, batch 2\)\. What was done before this epoch is kept"
    with pytest.raises(AvemotionError, match=said) as caught:
        seen.watch.on_train_batch_end(1, {"loss": loss})

    assert caught.value.code is ErrorCode.TRAINING_FAILED
    state = read_state(tmp_path)
    assert state is not None
    assert state[0].epoch == 1


def test_weights_that_are_no_numbers_are_not_kept(tmp_path: Path) -> None:
    """The last step of an epoch may break what its loss does not show yet: the state before it stays."""
    seen = Seen(tmp_path)
    seen.watch.on_epoch_begin(0)
    seen.watch.on_epoch_end(0, {"loss": 2.0})
    seen.watch.on_epoch_begin(1)
    weight = seen.trainee.trainable_variables[0]
    weight.assign(keras.ops.full(weight.shape, math.nan))

    with pytest.raises(
        AvemotionError, match=r"A weight is no number at step 4 of phase all \(epoch 2, batch 2\)"
    ):
        seen.watch.on_epoch_end(1, {"loss": 2.0})

    state = read_state(tmp_path)
    assert state is not None
    assert state[0].epoch == 1


def test_the_average_is_looked_at_and_training_goes_on(tmp_path: Path) -> None:
    """Validation sees the moving average of the weights; afterwards they are those that are trained."""
    seen = Seen(tmp_path, ema=0.9, learning_rate=0.1, warmup_epochs=0)
    before = values(seen.trainee)
    for _ in range(3):
        moved(seen.trainee)
    after = values(seen.trainee)

    with averaged(seen.trainee):
        average = values(seen.trainee)

    for old, mean, new in zip(before, average, after, strict=True):
        low, high = np.minimum(old, new), np.maximum(old, new)
        assert ((low - 1e-6 <= mean) & (mean <= high + 1e-6)).all()
        assert not np.array_equal(mean, new)
    for now, new in zip(values(seen.trainee), after, strict=True):
        np.testing.assert_array_equal(now, new)


def test_without_an_average_nothing_changes(tmp_path: Path) -> None:
    """A phase that keeps no average is validated with its weights as they are."""
    seen = Seen(tmp_path)
    moved(seen.trainee)
    before = values(seen.trainee)

    with averaged(seen.trainee):
        assert all(
            np.array_equal(one, other) for one, other in zip(values(seen.trainee), before, strict=True)
        )

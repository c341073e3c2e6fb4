"""What looks on while Keras fits: progress, logs, the state on disk, and numbers that are none."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from shared.errors import AvemotionError, ErrorCode
from training.fitting.batches import Batches
from training.fitting.log import COLUMNS
from training.fitting.state import Place, save_state
from training.fitting.trainee import Trainee


@dataclass(frozen=True)
class Step:
    """How far a training is, for whoever shows it.

    Attributes:
        phase: Name of the phase.
        epoch: From 1.
        epochs: Of the phase.
        batch: From 1.
        batches: Of the epoch.
        loss: Mean over the epoch so far.
    """

    phase: str
    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float


class Watch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Keeps the log and the state of one phase, and stops where the loss is no number."""

    def __init__(  # noqa: PLR0913 - all are named
        self,
        batches: Batches,
        folder: Path,
        place: Place,
        *,
        validate: Callable[[], Mapping[str, float]],
        tell: Callable[[Step], None],
        log_row: Callable[[Mapping[str, Any]], None],
    ) -> None:
        """Watch a phase.

        Args:
            batches: What it draws.
            folder: For the state.
            place: Where it begins.
            validate: Gives what is logged of the validation samples.
            tell: Is told of each batch.
            log_row: Takes a row of ``COLUMNS`` an epoch.
        """
        super().__init__()
        self._batches = batches
        self._folder = folder
        self._place = place
        self._validate = validate
        self._tell = tell
        self._log_row = log_row
        self._epoch = place.epoch
        self._started = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remember the epoch."""
        del logs
        self._epoch = epoch
        self._started = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Tell how far it is; stop where the loss is no number.

        Raises:
            AvemotionError: ``TRAINING_FAILED``, with step and batch; the last state on disk is good.
        """
        phase = self._batches.drawing.phase
        loss = float((logs or {}).get("loss", math.nan))
        if not math.isfinite(loss):
            raise self._broken("The loss is", batch)
        self._tell(Step(phase.name, self._epoch + 1, phase.epochs, batch + 1, len(self._batches), loss))

    def _broken(self, what: str, batch: int) -> AvemotionError:
        step = self._epoch * len(self._batches) + batch + 1
        return AvemotionError(
            ErrorCode.TRAINING_FAILED,
            f"{what} no number at step {step} of phase {self._batches.drawing.phase.name} (epoch "
            f"{self._epoch + 1}, batch {batch + 1}). What was done before this epoch is kept in "
            f"{self._folder}. A lower learning_rate or clip_norm may help.",
        )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Validate, log, and keep the state.

        Raises:
            AvemotionError: ``TRAINING_FAILED``: the last step has made weights that are no numbers, which no
                loss has shown yet; or the state cannot be kept.
        """
        trainee: Trainee = self.model
        if not all(keras.ops.all(keras.ops.isfinite(weight.value)) for weight in trainee.network.weights):
            raise self._broken("A weight is", len(self._batches) - 1)
        with averaged(trainee):
            validation = self._validate()
        rate = float(keras.ops.convert_to_numpy(trainee.optimizer.learning_rate))
        self._log_row(
            {
                "phase": self._batches.drawing.phase.name,
                "epoch": epoch + 1,
                **{name: float(value) for name, value in (logs or {}).items() if name in COLUMNS},
                **validation,
                "learning_rate": rate,
                "seconds": round(time.monotonic() - self._started, 1),
            }
        )
        place = Place(self._place.phase, epoch + 1, self._place.fingerprint)
        save_state(self._folder, place, trainee.network, trainee.optimizer)


class averaged:  # noqa: N801 - used as a statement
    """While it lasts, the trainee has the moving average of its weights, if its optimizer keeps one."""

    def __init__(self, trainee: Trainee) -> None:
        """Take the trainee."""
        self._trainee = trainee
        self._kept: list[Any] = []

    def __enter__(self) -> None:
        """Put the average in place."""
        optimizer = self._trainee.optimizer
        if optimizer.use_ema and int(keras.ops.convert_to_numpy(optimizer.iterations.value)):
            weights = self._trainee.trainable_variables
            self._kept = [keras.ops.copy(weight.value) for weight in weights]
            optimizer.finalize_variable_values(weights)

    def __exit__(self, *_: object) -> None:
        """Put the weights back that are being trained."""
        if self._kept:
            for weight, value in zip(self._trainee.trainable_variables, self._kept, strict=True):
                weight.assign(value)
            self._kept = []

"""The log of a training: a row an epoch, as CSV and for TensorBoard."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tensorboard.summary import Writer

from shared.errors import AvemotionError, ErrorCode
from shared.outputs import replacing

COLUMNS = (
    *("phase", "epoch", "loss", "accuracy", "validation_loss", "validation_war", "validation_uar"),
    *("learning_rate", "seconds"),
)


class Log:
    """Rows of an epoch each, as CSV and for TensorBoard."""

    def __init__(self, folder: Path, keep: Callable[[Mapping[str, str]], bool]) -> None:
        """Go on with the log of a folder, of which only the rows stay that ``keep`` is true of."""
        self.path = folder / "log.csv"
        self.rows: list[dict[str, Any]] = []
        if self.path.exists():
            with self.path.open(newline="", encoding="utf-8") as file:
                self.rows = [dict(row) for row in csv.DictReader(file) if keep(row)]
        # First, as a full disk ends in a sentence here and in a thread there.
        self._write()
        self._board = Writer(str(folder / "tensorboard"))

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row.

        Raises:
            AvemotionError: ``TRAINING_FAILED``: it cannot be written, as on a full disk.
        """
        self.rows.append({name: row.get(name, "") for name in COLUMNS})
        self._write()
        for name, value in row.items():
            if isinstance(value, float):
                self._board.add_scalar(f"{row['phase']}/{name}", value, row["epoch"])
        self._board.flush()

    def _write(self) -> None:
        try:
            # Whole or not at all: what is killed amid it would leave no curves.
            with replacing(self.path) as path, path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(self.rows)
        except AvemotionError as error:
            raise AvemotionError(
                ErrorCode.TRAINING_FAILED, f"The training's log could not be kept. {error.message}"
            ) from error

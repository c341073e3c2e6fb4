from __future__ import annotations

import csv
from pathlib import Path

import pytest

from shared.errors import AvemotionError, ErrorCode
from training.fitting.log import COLUMNS, Log


def row(phase: str, epoch: int) -> dict[str, object]:
    return {"phase": phase, "epoch": epoch, "loss": 1 / epoch, "learning_rate": 0.5}


def on_disk(log: Log) -> list[dict[str, str]]:
    with log.path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_row_is_on_disk_as_soon_as_it_is_added(tmp_path: Path) -> None:
    """Whoever looks while it trains sees each epoch; what is not known is empty."""
    log = Log(tmp_path, lambda _: True)

    log.add(row("all", 1))

    (found,) = on_disk(log)
    assert tuple(found) == COLUMNS
    assert (found["phase"], found["epoch"], found["loss"], found["validation_war"]) == ("all", "1", "1.0", "")
    assert list((tmp_path / "tensorboard").glob("events.*"))


def test_what_is_trained_again_is_not_logged_twice(tmp_path: Path) -> None:
    """A log that is gone on with keeps the rows that still count, and drops those that will come again."""
    log = Log(tmp_path, lambda _: True)
    for epoch in (1, 2, 3):
        log.add(row("all", epoch))

    again = Log(tmp_path, lambda old: int(old["epoch"]) <= 2)
    again.add(row("all", 3))

    assert [found["epoch"] for found in on_disk(again)] == ["1", "2", "3"]
    assert len(again.rows) == 3


def test_a_log_that_cannot_be_written_keeps_its_rows(tmp_path: Path) -> None:
    """The sentence names the file; no half of one is left, and what was there before stays."""
    log = Log(tmp_path, lambda _: True)
    log.add(row("all", 1))
    log.path.rename(tmp_path / "kept.csv")
    log.path.mkdir()

    with pytest.raises(AvemotionError, match=r"log could not be kept.*log\.csv") as caught:
        log.add(row("all", 2))

    assert caught.value.code is ErrorCode.TRAINING_FAILED
    assert {path.name for path in tmp_path.iterdir()} == {"kept.csv", "log.csv", "tensorboard"}

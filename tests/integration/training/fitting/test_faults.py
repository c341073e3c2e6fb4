"""What goes wrong while a model is trained, on a real disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.integration.training.fitting.runs import Training, refusal
from training.fitting.state import read_state

pytestmark = pytest.mark.timeout(600)


@pytest.mark.slow
def test_a_disk_that_fills_keeps_the_last_state(training: Training, small_disk: Path) -> None:
    """The sentence says so; the state of the epoch before is whole, and no part of a file is left."""
    result = training.using("--folds", "none").here(small_disk / "out")

    assert "could not be kept" in refusal(result, "training_failed")
    state = read_state(small_disk / "out" / "final")
    assert state is not None
    assert state[0].epoch == 1
    assert all(np.isfinite(array).all() for array in state[1].values())
    assert not [path for path in (small_disk / "out").rglob(".*") if path.is_file()]


def test_a_disk_that_is_full_is_said_to_be(training: Training, small_disk: Path) -> None:
    """Where not even a log can be begun, the sentence says so."""
    with (small_disk / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(2**16)):
                pass
        except OSError:
            pass

    result = training.using("--folds", "none").here(small_disk / "out")

    assert "No space left" in refusal(result, "training_failed")

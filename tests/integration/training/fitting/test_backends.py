"""The same training on JAX and torch."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from shared.catalog import load_catalog
from tests.integration.training.fitting.runs import Training, rows_of
from tests.integration.training.fitting.voices import EPOCHS


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_trains(training: Training, tmp_path: Path, backend: str) -> None:
    """It learns, and leaves a report and a model that the service knows; the report names the backend."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed; it comes with the extra parity.")
    chosen = training.using("--folds", "1")

    with chosen.start(tmp_path, backend) as process:
        _, complaints = process.communicate(timeout=1100)

    assert process.returncode == 0, complaints
    losses = [float(row["loss"]) for row in rows_of(tmp_path / "final" / "log.csv")]
    assert len(losses) == EPOCHS
    assert losses[-1] < losses[0]
    assert load_catalog(tmp_path / "model")["made-voices"].trained
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["context"]["Environment"]["backend"] == backend

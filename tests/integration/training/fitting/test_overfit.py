"""A network learns a few real clips by heart."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from shared.catalog import load_catalog
from shared.settings import get_settings
from tests.integration.training.fitting.runs import rows_of, start
from tests.unit.faces.clips import SHARED_DATA
from training.datasets.dataset import read_dataset
from training.features.cache import FeatureCache
from training.fitting.examples import Library
from training.fitting.scoring import Arrays, score
from worker.model.engine import Engine

CLIPS = 44
EMOTIONS = ("anger", "happiness", "neutral", "sadness")


def few(folder: Path) -> Path:
    """Copy as many clips of each emotion, from all speakers, with a manifest; return their folder."""
    table = SHARED_DATA / "speech.csv"
    if not table.exists():
        pytest.skip("speech is not at hand: it may not be shipped with the project")
    folder.mkdir()
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "emotion", "speaker"))
        for emotion in EMOTIONS:
            found = [row for row in rows if row["emotion"] == emotion and row["corpus"] == rows[0]["corpus"]]
            step = len(found) * len(EMOTIONS) / CLIPS
            for row in [found[int(number * step)] for number in range(CLIPS // len(EMOTIONS))]:
                name = Path(row["file"]).name
                shutil.copy2(SHARED_DATA / "speech" / name, folder / name)
                writer.writerow((name, emotion, row["speaker"]))
    return folder


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_network_learns_44_clips_by_heart(tmp_path: Path) -> None:
    """By the recipe for it, each of 44 clips is told right by the model that is served."""
    data, out = few(tmp_path / "few"), tmp_path / "out"
    words = ["train", "overfit", "--data", f"few={data}", "--folds", "none", "--out", str(out)]

    with start(words) as process:
        _, complaints = process.communicate(timeout=3500)

    assert process.returncode == 0, complaints
    assert float(rows_of(out / "final" / "log.csv")[-1]["accuracy"]) == 1
    card = load_catalog(out / "model")["videomae-overfitted"]
    engine = Engine.load(card, precision="float32")
    library = Library(FeatureCache.open(out / "features", card, get_settings(), "landmarker"))

    def predict(inputs: Arrays) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found = engine.predict(inputs)
        return found.probabilities, found.valence, found.arousal

    scored = score(predict, read_dataset("manifest", data).samples, library, card).scored
    assert len(scored) == CLIPS
    assert (scored.logits.argmax(axis=1) == scored.truth).all()

"""One whole training by the command, and what becomes of it when it is broken off."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from shared.catalog import load_catalog
from shared.settings import get_settings
from tests.integration.training.fitting.runs import Training, await_rows, refusal, rows_of
from tests.integration.training.fitting.voices import CLASSES, EPOCHS, RECIPE
from training.datasets.dataset import read_dataset
from training.evaluation.scored import Scored
from training.features.cache import FeatureCache
from training.features.fusing import fused
from training.fitting.state import read_state
from worker.model.engine import Engine
from worker.model.presets import PRESETS
from worker.model.weights import initialise, new_videomae

# A whole training.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TRIES = 8
BROKEN_PHASE = """
[[phases]]
name = "too-fast"
draw = "voices"
frozen = ["backbone"]
epochs = 2
batch = 4
learning_rate = 1e38
clip_norm = 1e30
warmup_epochs = 0
"""


@dataclass(frozen=True)
class Run:
    """A training that has ended.

    Attributes:
        training: What was trained on, and how.
        encoder: Weights that it started from.
        out: Its folder.
        told: What it printed.
        code: Its exit code.
    """

    training: Training
    encoder: Path
    out: Path
    told: str
    code: int


@pytest.fixture(scope="module")
def run(training: Training, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A whole training of one fold and the model, from an encoder that stays as it is."""
    folder = tmp_path_factory.mktemp("run")
    encoder = folder / "encoder.weights.h5"
    model = new_videomae(PRESETS["nano"], labels=None)
    initialise(model, seed=7)
    model.save_weights(encoder)
    chosen = training.using("--weights", encoder)
    process = chosen.using("--folds", "1").start(folder / "out")
    told, complaints = process.communicate(timeout=600)
    assert process.returncode == 0, complaints
    return Run(chosen, encoder, folder / "out", told, process.returncode)


def tensors(path: Path) -> dict[str, np.ndarray]:
    """Return all tensors of a weights file by name."""
    found: dict[str, np.ndarray] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
        )
    return found


def test_a_training_leaves_a_report(run: Run) -> None:
    """The page and its data are there, and tell better than chance of a speaker nobody trained on."""
    report = json.loads((run.out / "report.json").read_text(encoding="utf-8"))
    scored = Scored.load(run.out / "fold-1" / "scored.npz")

    assert report["rates"]["war"]["value"] > 1.5 * report["chance_uar"]
    assert report["chance_uar"] == pytest.approx(1 / 3)
    assert set(scored.speakers) == {"voices/1"}
    assert len(scored) == report["samples"] == 12
    assert {row["name"] for row in report["ablation"]} >= {"audio only"}
    assert "<html" in (run.out / "report.html").read_text(encoding="utf-8")
    assert f"WAR {report['rates']['war']['value']:.3f}" in run.told


def test_a_training_leaves_its_curves(run: Run) -> None:
    """Each round has a row an epoch in its log, and the same for TensorBoard."""
    for name in ("fold-1", "final"):
        rows = rows_of(run.out / name / "log.csv")
        assert [(row["phase"], int(row["epoch"])) for row in rows] == [
            ("voices", epoch) for epoch in range(1, EPOCHS + 1)
        ]
        assert all(float(row["loss"]) > 0 and float(row["learning_rate"]) > 0 for row in rows)
        assert list((run.out / name / "tensorboard").glob("events.*"))


def test_the_card_says_where_the_model_comes_from(run: Run) -> None:
    """Trained, on which data and folds, with figures; its valence and arousal are constants of the class."""
    folder = run.out / "model" / "made-voices"
    card = load_catalog(run.out / "model")["made-voices"]

    assert {path.name for path in folder.iterdir()} == {
        "CARD.md", "card.json", "config.json", "model.weights.h5",
    }  # fmt: skip
    assert card.trained
    assert card.affect_source == "class_constant"
    assert "affect_from_classes" in card.warnings
    assert card.labels == tuple(CLASSES)
    assert card.data == ("voices",)
    assert "fold 1" in card.folds["voices"]
    assert card.metrics["war"] == json.loads((run.out / "report.json").read_text())["rates"]["war"]["value"]


def test_the_model_is_served(run: Run) -> None:
    """The service's own code loads the folder, and tells the voices apart that it was trained on."""
    card = load_catalog(run.out / "model")["made-voices"]
    cache = FeatureCache.open(run.training.cache, card, get_settings(), "landmarker")
    samples = read_dataset("manifest", run.training.data).samples

    inputs = [fused(cache.read(sample), card).inputs for sample in samples]
    found = Engine.load(card, precision="float32").predict(
        {name: np.concatenate([each[name] for each in inputs]) for name in inputs[0]}
    )

    truth = [max(sample.emotions or {}, key=(sample.emotions or {}).__getitem__) for sample in samples]
    said = [card.labels[index] for index in found.probabilities.argmax(axis=1)]
    assert len(said) == len(samples)
    assert np.mean([one == other for one, other in zip(said, truth, strict=True)]) > 0.6


def test_the_encoder_is_the_one_that_was_given(run: Run) -> None:
    """With a frozen encoder, the model's is that of ``--weights``, to the last bit."""
    given = tensors(run.encoder)
    stored = tensors(run.out / "model" / "made-voices" / "model.weights.h5")
    # The final norm belongs to what reads the encoder, where its file has none.
    assert len(given) > 20
    for name, tensor in given.items():
        np.testing.assert_array_equal(stored[name], tensor, err_msg=name)


def test_what_is_done_is_not_done_again(run: Run) -> None:
    """The same command once more trains nothing and leaves the same weights."""
    state = run.out / "final" / "state.npz"
    before, card = state.stat().st_mtime_ns, load_catalog(run.out / "model")["made-voices"]

    result = run.training.using("--folds", "none").here(run.out)

    assert result.exit_code == 0, result.stderr
    assert state.stat().st_mtime_ns == before
    assert load_catalog(run.out / "model")["made-voices"].weights_sha256 == card.weights_sha256
    assert len(rows_of(run.out / "final" / "log.csv")) == EPOCHS


def test_a_loss_that_is_no_number_ends_in_a_sentence(run: Run, tmp_path: Path) -> None:
    """The sentence names step, epoch and batch; the last good state stays, and no model is written."""
    recipe = tmp_path / "broken.toml"
    recipe.write_text(RECIPE + BROKEN_PHASE, encoding="utf-8")
    out = tmp_path / "out"
    shutil.copytree(run.out, out, ignore=shutil.ignore_patterns("model", "report.*"))

    result = replace(run.training, recipe=recipe).using("--folds", "none").here(out)

    said = refusal(result, "training_failed")
    assert "The loss is no number at step " in said
    assert "of phase too-fast (epoch 1, batch " in said
    state = read_state(out / "final")
    assert state is not None
    assert (state[0].phase, state[0].epoch) == (0, EPOCHS)
    assert all(np.isfinite(array).all() for array in state[1].values())
    assert not (out / "model").exists()


@dataclass(frozen=True)
class BrokenOff:
    """A training that was ended twice, and gone on with twice.

    Attributes:
        out: Its folder.
        interrupted: Exit code after Ctrl-C, and what was told then.
        epochs: How many were logged when it was interrupted, and when it was killed.
        last: What the last process said, with its exit code.
    """

    out: Path
    interrupted: tuple[int, str]
    epochs: tuple[int, int]
    last: tuple[int, str]


@pytest.fixture(scope="module")
def broken_off(run: Run, tmp_path_factory: pytest.TempPathFactory) -> BrokenOff:
    """The model's training once more: ended by Ctrl-C, gone on with, killed, and gone on with."""
    chosen = run.training.using("--folds", "none")

    def ended(out: Path, number: signal.Signals, after: int) -> tuple[subprocess.Popen[str], str, int]:
        log = out / "final" / "log.csv"
        with chosen.start(out) as process:
            await_rows(process, log, after)
            process.send_signal(number)
            _, told = process.communicate(timeout=60)
        return process, told, len(rows_of(log))

    # An epoch is over in no time: on a busy machine all of them may be before the signal comes.
    for _ in range(TRIES):
        out = tmp_path_factory.mktemp("broken") / "out"
        first, told, interrupted = ended(out, signal.SIGINT, 2)
        if interrupted > EPOCHS - 4:
            continue
        killed, _, reached = ended(out, signal.SIGKILL, interrupted + 2)
        if reached < EPOCHS:
            break
    else:
        raise AssertionError("the training was never caught in the middle")
    assert killed.returncode == -signal.SIGKILL
    with chosen.start(out) as last:
        _, complaints = last.communicate(timeout=600)
    return BrokenOff(out, (first.returncode, told), (interrupted, reached), (last.returncode, complaints))


def test_ctrl_c_ends_without_a_traceback(broken_off: BrokenOff) -> None:
    """An interrupted training ends with the exit code of an interruption, and nothing to read through."""
    code, told = broken_off.interrupted

    assert code == 130
    assert "Traceback" not in told


def test_a_training_goes_on_where_it_was_ended(run: Run, broken_off: BrokenOff) -> None:
    """After Ctrl-C and kill -9 amid a phase, the weights are those of a training that was never ended."""
    code, told = broken_off.last
    assert code == 0, told
    first, second = broken_off.epochs
    assert 2 <= first < second < EPOCHS
    rows = rows_of(broken_off.out / "final" / "log.csv")
    uninterrupted = rows_of(run.out / "final" / "log.csv")

    assert [(row["epoch"], row["loss"]) for row in rows] == [
        (row["epoch"], row["loss"]) for row in uninterrupted
    ]
    name = Path("model") / "made-voices" / "model.weights.h5"
    ended, whole = tensors(broken_off.out / name), tensors(run.out / name)
    assert ended.keys() == whole.keys()
    for place, tensor in whole.items():
        np.testing.assert_array_equal(ended[place], tensor, err_msg=place)

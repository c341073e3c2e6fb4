from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.model.command import measure
from bench.model.comparison import Plan
from bench.model.contender import Setup
from bench.model.products import Clip
from client.main import app
from tests.unit.bench.measured import MINI

CASE = {
    "precision", "batch", "ours", "transformers", "products",
    "ratio", "ceiling_s", "ceiling_flops_per_s", "share",
}  # fmt: skip
PRESET = {
    "setup", "clip_flops", "agreement", "cases", "memory", "profiles", "others_share", "targets", "line",
}  # fmt: skip


def check_document(document: dict[str, Any], preset: str, batches: list[int]) -> None:
    """Everything that a reader of the JSON relies on is there."""
    assert document.keys() == {"command", "date", "machine", "plan", "presets"}
    found = document["presets"][preset]
    assert found.keys() == PRESET
    cases = found["cases"]
    assert all(case.keys() == CASE for case in cases)
    assert [(case["precision"], case["batch"]) for case in cases] == [
        (precision, batch) for precision in ("float32", "bfloat16") for batch in batches
    ]
    for case in cases:
        assert len(case["ours"]["samples_s"]) >= 1
        compared = case["batch"] < 8
        assert (case["transformers"] is not None) == (case["ratio"] is not None) == compared
        names = ["patches", "qkv", "scores", "values", "projection", "fc1", "fc2"] if compared else []
        assert [product["name"] for product in case["products"]] == names
        for product in case["products"]:
            ways = 8 if product["name"] in ("scores", "values") else 4
            assert len(product["ways"]) == ways
            assert product["fastest"] in product["ways"]
    for agreement in found["agreement"]:
        assert agreement["tokens"] < (2e-5 if agreement["precision"] == "float32" else 5e-2)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the sentence of a call that must end with exit code 1 and one line."""
    with pytest.raises(SystemExit) as ended:
        app(["bench", "model", *arguments])
    assert ended.value.code == 1
    return capsys.readouterr().err


@pytest.mark.slow
def test_a_mini_model_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A whole run in real processes: tables, profile, closing line and JSON."""
    pytest.importorskip("transformers", reason="the model is compared with transformers")
    file = tmp_path / "bench.json"
    plan = Plan((1, 8), None, rounds=2, visit_s=0, seconds_limit=100, with_profile=True)
    measure([Setup(MINI, Clip(4, 32), 2, call_flops=0)], plan, file)
    document = json.loads(file.read_text())
    check_document(document, "mini", [1, 8])
    found = document["presets"]["mini"]
    assert [len(case["ours"]["samples_s"]) for case in found["cases"]] == [2, 2, 2, 2]
    for rows in found["profiles"].values():
        products = [row for row in rows if "MatMul" in row["operation"]]
        assert {"attention", "attention/qkv", "fc1", "fc2"} <= {row["where"] for row in products}
    out = capsys.readouterr().out
    assert "mini fp32, batch 1" in out
    assert "mini bf16, batch 1: where our time goes" in out
    assert out.splitlines()[-1] == found["line"]


@pytest.mark.slow
def test_quick_runs_from_the_command_line(tmp_path: Path) -> None:
    """``--quick`` measures tiny with all that a long run has, memory included."""
    file = tmp_path / "bench.json"
    command = [sys.executable, "-m", "client.main", "bench", "model", "--quick", "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(file.read_text())
    check_document(document, "tiny", [1, 4, 8])
    for memory in document["presets"]["tiny"]["memory"]:
        for who in ("ours", "transformers"):
            assert 0 < memory[who]["loaded_bytes"] < memory[who]["peak_bytes"]
    assert done.stdout.splitlines()[-1].startswith("tiny  fp32 ")


@pytest.mark.slow
def test_the_script_for_cards_runs_without_one(tmp_path: Path) -> None:
    """JAX and torch in processes of their own agree with transformers and are timed beside it."""
    file = tmp_path / "gpu.json"
    small = ["--preset=tiny", "--frames=2", "--batch=1", "--rounds=1", "--visit-s=0"]
    options = ["--device=cpu", *small, f"--json={file}"]
    command = [sys.executable, "-m", "bench.model.gpu", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(file.read_text())
    assert document["cases"].keys() == document["targets"].keys() == {"jax", "torch"}
    for (case,) in document["cases"].values():
        assert case.keys() == CASE
        assert case["ratio"] > 0
        assert case["share"] > 0


def test_missing_libraries_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without transformers the command says what to install."""
    monkeypatch.setattr("client.bench.LIBRARIES", ("torch_of_nobody", "transformers_of_nobody"))
    message = refused(capsys, "--quick")
    assert "torch_of_nobody and transformers_of_nobody" in message
    assert "pip install 'avemotion[model,dev]'" in message


def test_an_unknown_preset_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The presets that there are stand in the message."""
    assert "There is no preset giant; there are nano, tiny, small, base" in refused(
        capsys, "--preset", "giant"
    )


def test_a_file_that_cannot_be_written_is_found_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody measures for minutes to lose the result."""
    assert "No such file or directory" in refused(capsys, "--json", str(tmp_path / "none" / "x.json"))

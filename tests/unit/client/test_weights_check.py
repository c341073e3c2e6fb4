"""``avemotion weights check``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py  # type: ignore[import-untyped]  # ships no types
import numpy as np
import pytest

from tests.unit.client.weights_calls import refuses, weights
from tests.unit.model.official_reference import official_forward
from tests.unit.model.source_files import official, write_torch
from worker.model.presets import PRESETS
from worker.model.sources import card_path, import_weights

TINY = PRESETS["tiny"]
TENSORS = official(TINY)
CLIPS = np.random.default_rng(4).normal(size=(3, 4, 32, 48, 3)).astype(np.float32)
OUTPUTS = {"tokens": (3, 12, 192), "pooled": (3, 192), "logits": (3, 5)}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file with its card."""
    folder = tmp_path_factory.mktemp("imported")
    out = folder / "a.weights.h5"
    import_weights(write_torch(folder / "a.pth", TENSORS), TINY, out)
    return out


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    np.save(tmp_path / "clips.npy", CLIPS)
    return tmp_path / "clips.npy"


def copied(imported: Path, folder: Path, *, card: bool = True) -> Path:
    for path in (imported, *([card_path(imported)] if card else [])):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder / imported.name


def test_outputs_are_those_of_the_source(
    imported: Path, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens, pooled and logits of all clips are written, however many go through at a time."""
    monkeypatch.setattr("worker.model.features.MOST_TOKENS", 12)
    out = tmp_path / "y.npz"

    result = weights("check", imported, "--clip", clips, "--out", out)

    assert (result.exit_code, result.stderr) == (0, "")
    with np.load(out, allow_pickle=False) as found:
        assert {name: found[name].shape for name in found} == OUTPUTS
        assert {found[name].dtype for name in found} == {np.dtype(np.float32)}
        for name, right in official_forward(TENSORS, CLIPS, TINY).items():
            np.testing.assert_allclose(found[name], right, atol=2e-5, rtol=0, err_msg=name)
    for told in ("tiny", "5 labels", "agrees; imported from a.pth", "tensorflow", "(3, 12, 192)", str(out)):
        assert told in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_each_backend_computes_the_same(imported: Path, clips: Path, tmp_path: Path, backend: str) -> None:
    """KERAS_BACKEND names what computes, to the same numbers; a file without a card will do."""
    file, out = copied(imported, tmp_path, card=False), tmp_path / "y.npz"
    command = ["-m", "client.main", "weights", "check", file, "--clip", clips, "--out", out]
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}

    done = subprocess.run(
        [sys.executable, *map(str, command)], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert f"backend  {backend}\n" in done.stdout
    assert "none beside the file" in done.stdout
    with np.load(out) as found:
        for name, right in official_forward(TENSORS, CLIPS, TINY).items():
            np.testing.assert_allclose(found[name], right, atol=2e-5, rtol=0, err_msg=name)


def test_bfloat16_is_near(imported: Path, tmp_path: Path) -> None:
    """In bfloat16 the outputs are float32 all the same, near the exact ones; half-precision clips will do."""
    clips, out = tmp_path / "clips.npy", tmp_path / "y.npz"
    np.save(clips, CLIPS[:1].astype(np.float16))

    result = weights("check", imported, "--clip", clips, "--out", out, "--precision", "bfloat16")

    assert result.exit_code == 0, result.stderr
    exact = official_forward(TENSORS, CLIPS[:1], TINY)
    with np.load(out) as found:
        assert {found[name].dtype for name in found} == {np.dtype(np.float32)}
        difference = np.abs(found["pooled"] - exact["pooled"]).max()
    assert 1e-5 < difference < 0.1


def changed_weight(file: Path) -> None:
    with h5py.File(file, "r+") as stored:
        stored["head/vars/1"][0] += 1


def swapped_weights(file: Path) -> None:
    with h5py.File(file, "r+") as stored:
        first, second = (stored[f"backbone/blocks/block_{index}/fc1/vars"] for index in (3, 4))
        first.move("0", "x")
        first["0"] = second["0"][()]
        second["0"][...] = first["x"][()]
        del first["x"]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (changed_weight, "its weights are not those of a.card.json"),
        (swapped_weights, "its weights are not those of a.card.json"),
        (lambda file: card_path(file).write_text("{"), "a.card.json: it is no card of weights"),
        (lambda file: card_path(file).write_text('{"format": 2}'), "a.card.json: it is no card of weights"),
        (lambda file: os.truncate(file, 10**6), "a.weights.h5: it cannot be opened as HDF5, it is cut off"),
        (lambda file: file.write_bytes(b"x"), "a.weights.h5: it cannot be opened as HDF5"),
    ],
)
def test_weights_that_are_not_their_cards_are_refused(
    imported: Path, clips: Path, tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    """A changed value, tensors that were swapped, a damaged card or file: a sentence, and nothing written."""
    file = copied(imported, tmp_path)
    spoil(file)

    result = weights("check", file, "--clip", clips, "--out", tmp_path / "y.npz")

    refuses(result, "invalid_weights", told, tmp_path, file, card_path(file), clips)


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (CLIPS[0], "it has the shape (4, 32, 48, 3), and clips are (batch, frames, height, width, 3)"),
        (CLIPS[:0], "it has the shape (0, 4, 32, 48, 3)"),
        (CLIPS[..., :1], "it has 1 channels, not 3: its shape is (3, 4, 32, 48, 1)"),
        (
            CLIPS.transpose(0, 1, 4, 2, 3),
            "it has 48 channels, not 3: its shape is (3, 4, 3, 32, 48); the channels",
        ),
        (CLIPS[:, :3], "it has 3 frames, and the encoder takes 2 at a time"),
        (CLIPS[:, :, :30], "its pictures are 30x48, and 16 must divide both"),
        (CLIPS.astype(np.uint8), "it holds uint8; clips are float32 and normalised"),
        (np.where(CLIPS.max() == CLIPS, np.nan, CLIPS), "clip "),
        (np.array([{}]), "it cannot be read as .npy of plain numbers"),
    ],
    ids=["dimensions", "none", "channels", "order", "frames", "size", "integers", "NaN", "objects"],
)
def test_a_clip_that_is_none_is_a_sentence(
    imported: Path, tmp_path: Path, array: np.ndarray, told: str
) -> None:
    """It says what is wrong with the array, before the model is made; nothing is written."""
    clips = tmp_path / "clips.npy"
    np.save(clips, array)

    result = weights("check", imported, "--clip", clips, "--out", tmp_path / "y.npz")

    refuses(result, "invalid_request", f"clips.npy: {told}", tmp_path, clips)


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"\x93NUMPY\x01\x00"])
def test_a_clip_file_that_is_none_is_a_sentence(imported: Path, tmp_path: Path, data: bytes) -> None:
    """Files that are no .npy, or are cut off."""
    clips = tmp_path / "clips.npy"
    clips.write_bytes(data)

    result = weights("check", imported, "--clip", clips, "--out", tmp_path / "y.npz")

    refuses(result, "invalid_request", "clips.npy: it cannot be read as .npy", tmp_path, clips)


def test_several_arrays_are_no_clip(imported: Path, tmp_path: Path) -> None:
    """An .npz is told apart from an .npy."""
    clips = tmp_path / "clips.npz"
    np.savez(clips, a=CLIPS)

    result = weights("check", imported, "--clip", clips, "--out", tmp_path / "y.npz")

    refuses(result, "invalid_request", "it holds several arrays", tmp_path, clips)


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({"file": "nowhere.weights.h5"}, "not_found", "nowhere.weights.h5"),
        ({"clip": "nowhere.npy"}, "not_found", "nowhere.npy"),
        ({"out": "y.npy"}, "invalid_request", "y.npy cannot be written: its name must end in .npz"),
    ],
)
def test_files_that_are_not_there_are_named(
    imported: Path, tmp_path: Path, changes: dict[str, str], code: str, told: str
) -> None:
    """Each file is looked for first."""
    names = {"file": str(imported), "clip": "clips.npy", "out": "y.npz", **changes}
    np.save(tmp_path / "clips.npy", CLIPS)

    result = weights(
        "check",
        tmp_path / names["file"],
        "--clip",
        tmp_path / names["clip"],
        "--out",
        tmp_path / names["out"],
    )

    refuses(result, code, told, tmp_path, tmp_path / "clips.npy")

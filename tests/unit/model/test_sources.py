"""Each kind of source, written here as others write it, against arithmetic by its own names."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from shared.errors import AvemotionError, ErrorCode
from tests.unit.model.minis import MINI
from tests.unit.model.official_reference import official_forward
from tests.unit.model.source_files import (
    Tensors,
    huggingface,
    innat,
    official,
    pretraining,
    write_huggingface,
    write_keras_h5,
    write_safetensors,
    write_savedmodel,
    write_torch,
    write_zip,
)
from worker.model.classifier import VideoMAE
from worker.model.position import sincos_table
from worker.model.presets import Preset
from worker.model.sources import WeightsCard, card_path, import_weights, read_weights_card
from worker.model.weights import load_weights, new_videomae, weights_by_name, weights_sha256

FINE_TUNED, PRE_TRAINED = official(MINI), pretraining(MINI)
CLIPS = np.random.default_rng(2).normal(size=(2, 4, 32, 48, 3)).astype(np.float32)

WRITERS: dict[str, Callable[[Path, Tensors], Path]] = {
    "pth": lambda folder, tensors: write_torch(folder / "a.pth", tensors),
    "safetensors": lambda folder, tensors: write_safetensors(folder / "a.safetensors", huggingface(tensors)),
    "hugging face folder": lambda folder, tensors: write_huggingface(folder / "a", huggingface(tensors)),
    "SavedModel folder": lambda folder, tensors: write_savedmodel(folder / "a", innat(tensors, MINI)),
    "SavedModel zip": lambda folder, tensors: write_zip(
        folder / "a.zip", write_savedmodel(folder / "a", innat(tensors, MINI))
    ),
    "h5": lambda folder, tensors: write_keras_h5(folder / "a.h5", innat(tensors, MINI), MINI.depth),
}
FAMILIES = {
    "pth": ("pytorch", "official"),
    "safetensors": ("safetensors", "huggingface"),
    "hugging face folder": ("safetensors", "huggingface"),
    "SavedModel folder": ("savedmodel", "innat"),
    "SavedModel zip": ("savedmodel", "innat"),
    "h5": ("keras-h5", "innat"),
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The hash of the fine-tuned weights, from whatever they come."""
    folder = tmp_path_factory.mktemp("expected")
    return import_weights(WRITERS["pth"](folder, FINE_TUNED), MINI, folder / "a.weights.h5").weights_sha256


def imported(source: Path, folder: Path, preset: Preset = MINI) -> tuple[VideoMAE, WeightsCard]:
    out = folder / "out.weights.h5"
    card = import_weights(source, preset, out)
    model = new_videomae(preset, labels=card.labels)
    load_weights(model, out)
    return model, card


@pytest.mark.parametrize("kind", WRITERS)
def test_fine_tuned_weights_compute_what_their_source_does(tmp_path: Path, kind: str, expected: str) -> None:
    """Tokens, pooled features and logits are those of the source's own arithmetic, whatever the format."""
    model, card = imported(WRITERS[kind](tmp_path, FINE_TUNED), tmp_path)

    outputs = model(CLIPS)

    for name, right in official_forward(FINE_TUNED, CLIPS, MINI).items():
        np.testing.assert_allclose(outputs[name], right, atol=2e-5, rtol=0, err_msg=name)
    assert (card.source.kind, card.source.family) == FAMILIES[kind]
    assert (card.labels, card.new, card.unused) == (5, (), 0)
    assert card == read_weights_card(tmp_path / "out.weights.h5")
    assert card.weights_sha256 == weights_sha256(model) == expected


@pytest.mark.parametrize("kind", ["pth", "safetensors", "SavedModel zip", "h5"])
def test_pre_trained_weights_lose_their_decoder(tmp_path: Path, kind: str) -> None:
    """Of pre-training's checkpoint the encoder is kept; the norm after it is new, and there is no head."""
    model, card = imported(WRITERS[kind](tmp_path, PRE_TRAINED), tmp_path)

    outputs = model(CLIPS)

    tokens = official_forward(PRE_TRAINED, CLIPS, MINI)["tokens"]
    np.testing.assert_allclose(outputs["tokens"], tokens, atol=2e-5, rtol=0)
    assert set(outputs) == {"tokens", "pooled"}
    assert card.new == ("backbone/fc_norm/gamma", "backbone/fc_norm/beta")
    assert card.labels is None
    held = huggingface(PRE_TRAINED) if card.source.family == "huggingface" else PRE_TRAINED
    assert card.tensors + card.unused == len(held)
    weights = weights_by_name(model)
    np.testing.assert_array_equal(weights[card.new[0]], np.ones(MINI.width))
    np.testing.assert_array_equal(weights[card.new[1]], np.zeros(MINI.width))


def test_biases_stand_beside_a_zero(tmp_path: Path) -> None:
    """Queries and values have the source's biases, keys have zeros."""
    model, _ = imported(WRITERS["pth"](tmp_path, FINE_TUNED), tmp_path)

    query, key, value = np.split(weights_by_name(model)["backbone/block_1/attention/qkv/bias"].numpy(), 3)

    np.testing.assert_array_equal(query, FINE_TUNED["blocks.1.attn.q_bias"])
    np.testing.assert_array_equal(key, np.zeros(MINI.width))
    np.testing.assert_array_equal(value, FINE_TUNED["blocks.1.attn.v_bias"])


VARIANTS: dict[str, Callable[[Path], Path]] = {
    "module": lambda folder: write_torch(folder / "a", FINE_TUNED, "module"),
    "bare": lambda folder: write_torch(folder / "a", FINE_TUNED, None),
    "wrapped twice": lambda folder: write_torch(folder / "a", prefixed("module.backbone.")),
    "with training's own": lambda folder: write_torch(
        folder / "a", FINE_TUNED, epoch=3, optimizer={"state": {}}, args=argparse.Namespace(lr=0.1)
    ),
    "legacy pickle": lambda folder: legacy(folder / "a"),
    "hugging face names in PyTorch": lambda folder: write_torch(folder / "a", huggingface(FINE_TUNED), None),
    "pytorch_model.bin": lambda folder: bin_folder(folder / "a"),
    "official names in safetensors": lambda folder: write_safetensors(folder / "a", FINE_TUNED),
    "newer bias names": lambda folder: write_safetensors(folder / "a", newer(huggingface(FINE_TUNED))),
    "shards": lambda folder: write_huggingface(folder / "a", huggingface(FINE_TUNED), 3),
    "float64": lambda folder: write_safetensors(folder / "a", cast(np.float64)),
    "a folder around": lambda folder: (
        write_savedmodel(folder / "a" / "TFVideoMAE", innat(FINE_TUNED, MINI)).parent
    ),
    "macOS's copies": lambda folder: write_zip(
        folder / "a.zip",
        write_savedmodel(folder / "a", innat(FINE_TUNED, MINI)),
        **{"__MACOSX/a/variables/variables.index": b"x"},
    ),
    "whole model in h5": lambda folder: write_keras_h5(
        folder / "a", innat(FINE_TUNED, MINI), MINI.depth, "model_weights"
    ),
    "its position table": lambda folder: write_torch(
        folder / "a", {**FINE_TUNED, "pos_embed": sincos_table(1568, MINI.width)[None]}
    ),
}


def prefixed(prefix: str) -> Tensors:
    return {prefix + name: array for name, array in FINE_TUNED.items()}


def cast(dtype: type) -> Tensors:
    return {name: array.astype(dtype) for name, array in FINE_TUNED.items()}


def newer(tensors: Tensors) -> Tensors:
    """Name the biases as transformers 5 does, and add one of the keys, which no softmax sees."""
    renamed = {
        name.replace("q_bias", "query.bias").replace("v_bias", "value.bias"): array
        for name, array in tensors.items()
    }
    keys = [name.replace("query", "key") for name in renamed if name.endswith("query.bias")]
    return {**renamed, **{name: np.full(MINI.width, 0.3, np.float32) for name in keys}}


def legacy(path: Path) -> Path:
    import torch  # noqa: PLC0415 - only here

    states = {name: torch.from_numpy(array) for name, array in FINE_TUNED.items()}
    torch.save({"model": states}, path, _use_new_zipfile_serialization=False)
    return path


def bin_folder(folder: Path) -> Path:
    folder.mkdir()
    write_torch(folder / "pytorch_model.bin", huggingface(FINE_TUNED), None)
    return folder


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_are_the_same_weights(tmp_path: Path, variant: str, expected: str) -> None:
    """Prefixes, wrappers, shards, names of other versions and constants change nothing."""
    card = import_weights(VARIANTS[variant](tmp_path), MINI, tmp_path / "out.weights.h5")

    assert card.weights_sha256 == expected


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_halves_become_singles(tmp_path: Path, kind: str, dtype: type) -> None:
    """float16 and bfloat16 tensors are kept to the bit, as float32."""
    import torch  # noqa: PLC0415 - only here

    halves = cast(dtype)
    if kind == "pth":
        singles = {name: array.astype(np.float32) for name, array in halves.items()}
        states = {
            name: torch.from_numpy(array).to(getattr(torch, dtype.__name__))
            for name, array in singles.items()
        }
        torch.save({"model": states}, tmp_path / "a")
    else:
        write_safetensors(tmp_path / "a", halves)

    model, _ = imported(tmp_path / "a", tmp_path)

    weights = weights_by_name(model)
    assert {weight.dtype for weight in weights.values()} == {"float32"}
    np.testing.assert_array_equal(
        weights["backbone/block_0/fc1/kernel"], halves["blocks.0.mlp.fc1.weight"].T.astype(np.float32)
    )


def test_a_models_training_state_is_passed_over(tmp_path: Path) -> None:
    """Variables of the optimizer and of metrics in a SavedModel are no tensors too many."""
    arrays = innat(FINE_TUNED, MINI)
    folder = write_savedmodel(tmp_path / "a", arrays)
    holder = tf.train.Checkpoint(
        variables=[tf.Variable(array) for array in arrays],
        optimizer=tf.train.Checkpoint(_variables=[tf.Variable(arrays[0])]),
        keras_api=tf.train.Checkpoint(metrics=[tf.Variable(1.0)]),
    )
    holder.write(str(folder / "variables" / "variables"))

    _, card = imported(folder, tmp_path)

    assert (card.tensors, card.unused) == (len(arrays), 0)


def test_long_lists_of_names_are_in_parts(tmp_path: Path) -> None:
    """Keras 2 cuts lists of names that do not fit into one attribute; they are put together again."""
    import h5py  # type: ignore[import-untyped]  # noqa: PLC0415 - ships no types; only here

    source = WRITERS["h5"](tmp_path, FINE_TUNED)
    with h5py.File(source, "r+") as file:
        names = file.attrs.pop("layer_names")
        file.attrs["layer_names0"], file.attrs["layer_names1"] = names[:3], names[3:]

    _, card = imported(source, tmp_path)

    assert card.labels == 5


def test_the_source_is_known_by_its_hash(tmp_path: Path) -> None:
    """The card has the hash of a file, and of a folder that of the lines sha256sum prints of its files."""
    file = WRITERS["pth"](tmp_path, FINE_TUNED)
    folder = write_huggingface(tmp_path / "b", huggingface(FINE_TUNED), 2, hidden_size=MINI.width)
    (folder / "other.txt").write_text("not read, so not counted")
    names = ["config.json", *(f"model-0000{index}-of-00002.safetensors" for index in (1, 2))]
    names.append("model.safetensors.index.json")
    lines = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)

    assert imported(file, tmp_path)[1].source.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert imported(folder, tmp_path)[1].source.sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_files_appear_whole(tmp_path: Path) -> None:
    """A failed import leaves what was there; a good one replaces it, and leaves nothing else behind."""
    out = tmp_path / "out" / "a.weights.h5"
    out.parent.mkdir()
    out.write_text("before")
    broken = {**FINE_TUNED, "head.bias": np.full(5, np.nan, np.float32)}
    with pytest.raises(AvemotionError, match=r"head\.bias"):
        import_weights(write_torch(tmp_path / "a.pth", broken), MINI, out)
    assert [path.read_text() for path in out.parent.iterdir()] == ["before"]

    import_weights(write_torch(tmp_path / "a.pth", FINE_TUNED), MINI, out)

    assert sorted(path.name for path in out.parent.iterdir()) == ["a.card.json", "a.weights.h5"]
    assert out.stat().st_size > 1000
    assert out.stat().st_mode == (tmp_path / "a.pth").stat().st_mode


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written leaves nothing behind and says which file it was."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shared.outputs.os.fsync", fail)
    with pytest.raises(AvemotionError, match="No space left on device") as caught:
        import_weights(WRITERS["pth"](tmp_path, FINE_TUNED), MINI, tmp_path / "o.weights.h5")

    assert caught.value.code is ErrorCode.INVALID_REQUEST
    assert [path.name for path in tmp_path.iterdir()] == ["a.pth"]


def test_torch_is_only_needed_for_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where torch is not installed, a sentence says how to get it, and other kinds go on working."""
    source = WRITERS["pth"](tmp_path, FINE_TUNED)
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(AvemotionError, match="pip install torch"):
        imported(source, tmp_path)

    assert imported(WRITERS["safetensors"](tmp_path, FINE_TUNED), tmp_path)[1].labels == 5


def test_the_card_is_beside_the_file() -> None:
    """A card has its file's stem."""
    assert card_path(Path("a/b.weights.h5")) == Path("a/b.card.json")

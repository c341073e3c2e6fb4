"""Every way in which what ``avemotion weights import`` is given may be bad."""

from __future__ import annotations

import pickle
from pathlib import Path

import h5py  # type: ignore[import-untyped]  # ships no types
import numpy as np
import pytest

from tests.unit.client.spoilt_sources import (
    GOOD,
    HF,
    TINY,
    WIDER,
    Writer,
    arrays,
    beside,
    changed,
    cut,
    few,
    gap,
    h5,
    hf,
    hostile_pickle,
    hostile_zip,
    linked,
    nan,
    other_zip,
    ours,
    pth,
    raw,
    savedmodel,
    swap,
    without,
    zipped,
)
from tests.unit.client.weights_calls import refuses, weights
from tests.unit.model.source_files import huggingface, innat, official, pretraining
from worker.model.presets import Preset

Q = "blocks.3.attn.q_bias"
FC1 = "blocks.11.mlp.fc1.weight"
INDEX = "model.safetensors.index.json"
CHECKPOINTS: dict[str, tuple[Writer, str]] = {
    # What is no checkpoint at all
    "nothing there": (lambda folder: folder / "a.pth", "There is no file or folder"),
    "empty file": (raw(b""), "a.pth: it is empty"),
    "text": (raw(b"What is this?"), "a.pth: it is not recognised as a PyTorch file, safetensors"),
    "empty folder": (lambda folder: folder, "it holds none of variables/variables.index"),
    "folder of something else": (few, "a: it holds none of"),
    "zip of something else": (other_zip, "a.zip: it is a zip with neither"),
    "our own": (ours, "a.weights.h5: it is HDF5 without layer_names; weights of Keras 3"),
    "pickle of numbers": (raw(pickle.dumps({"model": [1, 2]})), "no PyTorch file of weights"),
    "torch of numbers": (pth({}), "a.pth: it holds no tensors"),
    "other tensors": (pth({"conv1.weight": np.zeros((3, 3))}), "(conv1.weight, ...) are not those of a Vid"),
    # Pickles that want to run something
    "hostile zip": (
        hostile_zip,
        "its pickle names posix.system, which no weights need; nothing of it was run",
    ),
    "hostile pickle": (hostile_pickle, "its pickle names posix.system"),
    # Cut off
    "cut zip of PyTorch": (cut(pth(GOOD), 0.9), "a.pth: it is cut off or damaged"),
    "cut start of PyTorch": (cut(pth(GOOD), 1e-4), "a.pth: it is cut off or damaged"),
    "cut safetensors": (cut(hf(), 0.9, "model.safetensors"), "model.safetensors is cut off, damaged"),
    "cut shard": (
        cut(hf(HF, 2), 0.9, "model-00002-of-00002.safetensors"),
        "model-00002-of-00002.safetensors is",
    ),
    "cut zip of a SavedModel": (cut(zipped(arrays()), 0.9), "a.zip: it is cut off or damaged"),
    "cut variables": (
        cut(savedmodel(arrays()), 0.5, "variables/variables.data-00000-of-00001"),
        "is cut off or damaged",
    ),
    "cut index": (cut(savedmodel(arrays()), 0.5, "variables/variables.index"), "variables.index is cut off"),
    "cut index at its end": (
        cut(savedmodel(arrays()), 0.005, "variables/variables.index"),
        "variables.index is cut off",
    ),
    "cut h5": (cut(h5(arrays()), 0.9), "a.h5: it cannot be opened as HDF5, it is cut off"),
    # Another size
    "wider .pth": (pth(WIDER), "have 384 values, and those of tiny 192: it looks like small"),
    "wider safetensors": (hf(huggingface(WIDER)), "it looks like small"),
    "wider SavedModel": (savedmodel(innat(WIDER, Preset("", 384, 1, 6))), "it looks like small"),
    "wider h5": (h5(innat(WIDER, Preset("", 384, 1, 6))), "it looks like small"),
    "no size": (pth(official(Preset("odd", 100, 1, 1))), "have 100 values, and those of tiny 192: no preset"),
    "deeper": (
        pth(official(Preset("", 192, 13, 3))),
        "blocks.12.norm1.weight has no place in tiny, and 12 more",
    ),
    "less deep": (pth(official(Preset("", 192, 11, 3))), "blocks.11.norm1.weight is missing, and 12 more"),
    "less deep h5": (h5(innat(official(Preset("", 192, 11, 3)), Preset("", 192, 11, 3))), "is missing"),
    # Tensors
    "missing": (
        pth(changed(blocks__3__attn__q_bias=None)),
        f"{Q} is missing; backbone/block_3/attention/qkv/b",
    ),
    "missing norm": (pth(changed(fc_norm__weight=None)), "fc_norm.weight is missing; backbone/fc_norm/gamma"),
    "class token instead of a mean": (
        pth(changed(fc_norm__weight=None, fc_norm__bias=None, norm__weight=np.ones(192))),
        "fc_norm.weight is missing, and 1 more",
    ),
    "extra": (pth(changed(blocks__3__gamma_1=np.ones(192))), "blocks.3.gamma_1 has no place in tiny"),
    "twice": (
        pth({**GOOD, f"encoder.{Q}": GOOD[Q]}),
        f"{Q} and encoder.{Q} are one and the same tensor",
    ),
    "swapped": (
        pth(changed(blocks__3__mlp__fc1__weight=GOOD["blocks.3.mlp.fc2.weight"])),
        "blocks.3.mlp.fc1.weight has the shape (192, 768), not (768, 192); backbone/block_3/fc1/kernel",
    ),
    "NaN": (pth({**GOOD, FC1: nan(GOOD[FC1])}), f"a.pth: {FC1} holds numbers that are not finite"),
    "NaN in safetensors": (
        hf({**HF, "fc_norm.bias": nan(HF["fc_norm.bias"])}),
        "a: fc_norm.bias holds numbers",
    ),
    "NaN in a SavedModel": (
        savedmodel(arrays(lambda made: made.__setitem__(7, nan(made[7])))),
        "a: variables/7 holds numbers that are not finite",
    ),
    "NaN in h5": (
        h5(arrays(lambda made: made.__setitem__(2, nan(made[2])))),
        "a.h5: TFBlock1/model_7/dense_2/kernel:0 holds numbers that are not finite",
    ),
    "too large for float32": (
        pth({**GOOD, Q: np.full(192, 1e300)}),
        f"{Q} holds numbers that are not finite",
    ),
    "integers": (pth({**GOOD, Q: np.zeros(192, np.int8)}), f"{Q} holds int8, and no floating-point numbers"),
    "learned positions": (
        pth({**GOOD, "pos_embed": np.zeros((1, 8, 192), np.float32)}),
        "pos_embed is not VideoMAE's table of sines and cosines",
    ),
    "head of nothing": (pth({**GOOD, "head.bias": np.zeros(0)}), "head.bias has the shape (0,)"),
    "missing in safetensors": (
        hf({name: array for name, array in HF.items() if not name.endswith("2.attention.output.dense.bias")}),
        "encoder.layer.2.attention.output.dense.bias is missing",
    ),
    "swapped in a SavedModel": (
        savedmodel(arrays(swap(4, 5))),
        "variables/4 has the shape (192, 192), not (192, 576); backbone/block_0/attention/qkv/kernel",
    ),
    "missing in a SavedModel": (gap, "a: variables/7 is missing"),
    "extra in a SavedModel": (
        savedmodel([*arrays(), np.zeros(3, np.float32)]),
        "variables/158 and the 4 tensors after it are neither the head nor the decoder",
    ),
    "decoder of another shape": (
        h5(arrays(swap(-3, -4), pretraining(TINY))),
        "are neither the head nor the decoder",
    ),
    "layer missing in h5": (h5(arrays(), lambda file: file.pop("TFBlock4")), "the layer TFBlock4 is missing"),
    "link in h5": (
        h5(
            arrays(),
            lambda file: (
                file.move("head", "tail") or file.__setitem__("head", h5py.ExternalLink("b.h5", "/"))
            ),
        ),
        "head is a link to elsewhere, which is not followed",
    ),
    # Zips that lead elsewhere
    "zip with ..": (
        zipped(arrays(), **{"../../evil": b""}),
        "its member ../../evil leads out of the archive",
    ),
    "zip with an absolute path": (zipped(arrays(), **{"/etc/evil": b""}), "/etc/evil has an absolute path"),
    "zip with a drive": (zipped(arrays(), **{"C:/evil": b""}), "C:/evil has an absolute path"),
    "zip with a link": (linked, "its member a/variables/variables.index is a link; nothing was unpacked"),
    "zip of two": (zipped(arrays(), **{"b/variables/variables.index": b""}), "it holds 2 SavedModels"),
    # Hugging Face's other files
    "heads": (hf(num_attention_heads=16), "config.json says 16 attention heads, and tiny has 3"),
    "width in config": (hf(hidden_size=768), "config.json says a width of 768, and tiny has 192"),
    "depth in config": (hf(num_hidden_layers=24), "config.json says a depth of 24, and tiny has 12"),
    "other model": (hf(model_type="vit"), "config.json says model_type 'vit', not 'videomae'"),
    "other activation": (hf(hidden_act="gelu_new"), "config.json says hidden_act 'gelu_new'; only 'gelu'"),
    "labels": (hf(id2label={"0": "one"}), "config.json names 1 labels, and the head has 5"),
    "labels out of order": (hf(id2label={"1": "one"}), "does not number its labels"),
    "config is no JSON": (cut(hf(hidden_size=192), 0.5, "config.json"), "config.json cannot be read as JSON"),
    "odd normalisation": (
        beside(hf(), "preprocessor_config.json", {"image_mean": [0, 0, 0], "image_std": [1, 0, 1]}),
        "preprocessor_config.json does not say by which three numbers",
    ),
    "shard missing": (
        without(hf(HF, 2), "model-00002-of-00002.safetensors"),
        "model-00002-of-00002.safetensors is missing",
    ),
    "shard outside": (
        beside(hf(HF, 2), INDEX, {"weight_map": {"x": "../b.safetensors"}}),
        "has x in '../b.safetensors', which is no file beside it",
    ),
    "shard of another model": (
        beside(hf(HF, 2), INDEX, {"weight_map": dict.fromkeys(HF, "model-00001-of-00002.safetensors")}),
        "is not in model-00001-of-00002.safetensors, where",
    ),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_bad_checkpoint_is_a_sentence(tmp_path: Path, name: str) -> None:
    """It says what and where, ends with 1, writes nothing, runs nothing and leaves no temporary file."""
    write, told = CHECKPOINTS[name]
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    source = write(tmp_path / "in")
    before = sorted(tmp_path.rglob("*"))

    result = weights("import", source, "--preset", "tiny", "--out", tmp_path / "out" / "x.weights.h5")

    code = "not_found" if name == "nothing there" else "invalid_weights"
    refuses(result, code, told, tmp_path / "out")
    assert sorted(tmp_path.rglob("*")) == before

"""VideoMAE checkpoints as others write them, of random numbers: names, shapes and files of each kind."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]  # ships no types
import numpy as np
import tensorflow as tf
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from worker.model.presets import Preset

Tensors = dict[str, NDArray[Any]]

DECODER_WIDTH = 32
DECODER_BLOCKS = 2


def official(preset: Preset, labels: int | None = 5, seed: int = 0) -> Tensors:
    """Return a fine-tuned checkpoint by the names of github.com/MCG-NJU/VideoMAE; no head without labels."""
    make = np.random.default_rng(seed)
    width = preset.width
    tensors = {
        "patch_embed.proj.weight": make.normal(0, 0.02, (width, 3, 2, 16, 16)),
        "patch_embed.proj.bias": make.normal(0, 0.1, width),
        **_blocks(make, "", width, preset.depth),
        **_norm(make, "fc_norm", width),
    }
    if labels is not None:
        tensors |= _linear(make, "head", width, labels)
    return {name: array.astype(np.float32) for name, array in tensors.items()}


def pretraining(preset: Preset, seed: int = 0) -> Tensors:
    """Return a checkpoint of pre-training by the official names: an encoder and a decoder."""
    make = np.random.default_rng(seed + 1)
    encoder = {
        f"encoder.{name}": array
        for name, array in official(preset, None, seed).items()
        if not name.startswith("fc_norm")
    }
    decoder = {
        "mask_token": make.normal(size=(1, 1, DECODER_WIDTH)),
        "encoder_to_decoder.weight": make.normal(size=(DECODER_WIDTH, preset.width)),
        **_norm(make, "encoder.norm", preset.width),
        **_blocks(make, "decoder.", DECODER_WIDTH, DECODER_BLOCKS),
        **_norm(make, "decoder.norm", DECODER_WIDTH),
        **_linear(make, "decoder.head", DECODER_WIDTH, 1536),
    }
    return {**encoder, **{name: array.astype(np.float32) for name, array in decoder.items()}}


def _blocks(make: np.random.Generator, prefix: str, width: int, depth: int) -> Tensors:
    tensors: Tensors = {}
    for index in range(depth):
        block = f"{prefix}blocks.{index}"
        tensors |= _norm(make, f"{block}.norm1", width)
        tensors[f"{block}.attn.q_bias"] = make.normal(0, 0.3, width)
        tensors[f"{block}.attn.v_bias"] = make.normal(0, 0.3, width)
        tensors[f"{block}.attn.qkv.weight"] = make.normal(0, 0.05, (3 * width, width))
        tensors |= _linear(make, f"{block}.attn.proj", width, width)
        tensors |= _norm(make, f"{block}.norm2", width)
        tensors |= _linear(make, f"{block}.mlp.fc1", width, 4 * width)
        tensors |= _linear(make, f"{block}.mlp.fc2", 4 * width, width)
    return tensors


def _norm(make: np.random.Generator, name: str, width: int) -> Tensors:
    return {f"{name}.weight": make.normal(1, 0.1, width), f"{name}.bias": make.normal(0, 0.1, width)}


def _linear(make: np.random.Generator, name: str, rows: int, columns: int) -> Tensors:
    return {
        f"{name}.weight": make.normal(0, 0.5 * rows**-0.5, (columns, rows)),
        f"{name}.bias": make.normal(0, 0.1, columns),
    }


def huggingface(tensors: Tensors) -> Tensors:
    """Return an official checkpoint by the names in files of Hugging Face."""
    renamed: Tensors = {}
    for name, array in tensors.items():
        if name.endswith("attn.qkv.weight"):
            prefix = _hugging(name.removesuffix("attn.qkv.weight"))
            for part, rows in zip(("query", "key", "value"), np.split(array, 3), strict=True):
                renamed[f"{prefix}attention.attention.{part}.weight"] = np.ascontiguousarray(rows)
        else:
            renamed[_hugging(name)] = array
    return renamed


def _hugging(name: str) -> str:
    if name.startswith("decoder.blocks."):
        return _inside(name.replace("decoder.blocks.", "decoder.decoder_layers."))
    if name.startswith(("decoder.", "encoder_to_decoder.", "mask_token", "fc_norm.")):
        return name
    if name.startswith("head."):
        return name.replace("head.", "classifier.")
    name = name.removeprefix("encoder.")
    name = name.replace("patch_embed.proj.", "embeddings.patch_embeddings.projection.")
    if name.startswith("norm."):
        name = name.replace("norm.", "layernorm.")
    return f"videomae.{_inside(name.replace('blocks.', 'encoder.layer.'))}"


def _inside(name: str) -> str:
    for ours, theirs in {
        ".norm1.": ".layernorm_before.",
        ".norm2.": ".layernorm_after.",
        ".attn.proj.": ".attention.output.dense.",
        ".attn.": ".attention.attention.",
        ".mlp.fc1.": ".intermediate.dense.",
        ".mlp.fc2.": ".output.dense.",
    }.items():
        name = name.replace(ours, theirs)
    return name


def innat(tensors: Tensors, preset: Preset) -> list[NDArray[Any]]:
    """Return an official checkpoint in the order and the layouts of github.com/innat/VideoMAE."""
    decoder = "mask_token" in tensors
    encoder = "encoder." if decoder else ""
    arrays = [
        tensors[f"{encoder}patch_embed.proj.weight"].transpose(2, 3, 4, 1, 0),
        tensors[f"{encoder}patch_embed.proj.bias"],
        *_innat_blocks(tensors, f"{encoder}blocks", preset.depth),
    ]
    if decoder:
        arrays += [tensors[f"encoder.norm.{name}"] for name in ("weight", "bias")]
        arrays += _innat_blocks(tensors, "decoder.blocks", DECODER_BLOCKS)
        arrays += [tensors[f"decoder.norm.{name}"] for name in ("weight", "bias")]
        arrays += [tensors["decoder.head.weight"].T, tensors["decoder.head.bias"]]
        return [*arrays, tensors["encoder_to_decoder.weight"].T, tensors["mask_token"]]
    arrays += [tensors["fc_norm.weight"], tensors["fc_norm.bias"]]
    return [*arrays, tensors["head.weight"].T, tensors["head.bias"]] if "head.bias" in tensors else arrays


def _innat_blocks(tensors: Tensors, prefix: str, depth: int) -> list[NDArray[Any]]:
    names = (
        *("norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.proj.weight", "attn.proj.bias"),
        *("attn.q_bias", "attn.v_bias", "norm2.weight", "norm2.bias"),
        *("mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias"),
    )
    return [tensors[f"{prefix}.{index}.{name}"].T for index in range(depth) for name in names]


def write_torch(path: Path, tensors: Tensors, wrapper: str | None = "model", **more: object) -> Path:
    """Write a ``.pth``; ``more`` goes beside the weights, as in a checkpoint of training."""
    states = {name: torch.from_numpy(np.array(array, order="C")) for name, array in tensors.items()}
    torch.save({wrapper: states, **more} if wrapper else states, path)
    return path


def write_safetensors(path: Path, tensors: Tensors) -> Path:
    """Write one file."""
    save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, path)
    return path


def write_huggingface(folder: Path, tensors: Tensors, shards: int = 1, **config: object) -> Path:
    """Write a folder of transformers, with ``config.json`` where something is to stand in it."""
    folder.mkdir()
    if shards == 1:
        write_safetensors(folder / "model.safetensors", tensors)
    else:
        names = [f"model-{index + 1:05}-of-{shards:05}.safetensors" for index in range(shards)]
        files = {name: names[index % shards] for index, name in enumerate(tensors)}
        for file in names:
            write_safetensors(folder / file, {name: tensors[name] for name in tensors if files[name] == file})
        write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": files})
    if config:
        write_json(folder / "config.json", {"model_type": "videomae", **config})
    return folder


def write_json(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def write_savedmodel(folder: Path, arrays: Sequence[NDArray[Any]]) -> Path:
    """Write the variables of a SavedModel by the keys that Keras 2 gives them, and a graph that is none."""
    holder = tf.train.Checkpoint()
    numbered = list(arrays)
    if arrays[-1].ndim == 3:
        # A variable of the model itself goes by its name.
        holder.mask_token_pretrained = tf.Variable(numbered.pop())
    holder.variables = [tf.Variable(array) for array in numbered]
    (folder / "variables").mkdir(parents=True)
    holder.save(str(folder / "variables" / "variables"))
    for file in (folder / "variables").iterdir():
        file.rename(file.with_name(file.name.replace("variables-1.", "variables.")))
    (folder / "variables" / "checkpoint").unlink()
    (folder / "saved_model.pb").write_bytes(b"no graph, and nobody looks")
    return folder


def write_zip(path: Path, folder: Path, **more: bytes) -> Path:
    """Zip a folder with its own name in front, and members beside it."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
        for name, data in more.items():
            archive.writestr(name, data)
    return path


def write_keras_h5(path: Path, arrays: Sequence[NDArray[Any]], depth: int, root: str = "/") -> Path:
    """Write an ``.h5`` of Keras 2, in groups of layers, with names that say nothing."""
    layers = _layers(arrays, depth)
    with h5py.File(path, "w") as file:
        group = file.require_group(root)
        own = layers.pop("top_level_model_weights", [])
        group.attrs["layer_names"] = np.array([*layers], dtype="S")
        count = 0
        for layer, held in {**layers, "top_level_model_weights": own}.items():
            names = [f"model_7/dense_{count + index}/kernel:0" for index in range(len(held))]
            count += len(held)
            inner = group.create_group(layer)
            inner.attrs["weight_names"] = np.array(names, dtype="S" if names else np.float64)
            for name, array in zip(names, held, strict=True):
                inner.create_dataset(name, data=array)
    return path


def _layers(arrays: Sequence[NDArray[Any]], depth: int) -> dict[str, list[NDArray[Any]]]:
    rest = list(arrays)
    if arrays[-1].ndim == 3:
        encoder = 2 + 13 * depth + 2
        return {
            "TFPretrainVisionTransformerEncoder": rest[:encoder],
            "TFPretrainVisionTransformerDecoder": rest[encoder:-2],
            "encoder_to_decoder": rest[-2:-1],
            "top_level_model_weights": rest[-1:],
        }
    blocks = {f"TFBlock{index + 1}": rest[2 + 13 * index : 15 + 13 * index] for index in range(depth)}
    tail = rest[2 + 13 * depth :]
    return {"patch_embed": rest[:2], "pos_drop": [], **blocks, "fc_norm": tail[:2], "head": tail[2:]}

"""VideoMAE's arithmetic once more, in float64 and by the official names of its tensors."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch.nn import functional

from tests.unit.model.minis import Floats, reference_positions
from tests.unit.model.source_files import Tensors
from worker.model.presets import Preset

EPSILON = 1e-6


def official_forward(tensors: Tensors, clips: NDArray[Any], preset: Preset) -> dict[str, Floats]:
    """Return tokens and, of a fine-tuned checkpoint, pooled features and logits.

    Args:
        tensors: By official names.
        clips: (batch, frames, height, width, 3).
        preset: Tells the heads.
    """
    weights = {
        name.removeprefix("encoder."): torch.from_numpy(array).double() for name, array in tensors.items()
    }
    frames = torch.from_numpy(clips).double().permute(0, 4, 1, 2, 3)
    tokens = functional.conv3d(
        frames, weights["patch_embed.proj.weight"], weights["patch_embed.proj.bias"], (2, 16, 16)
    )
    tokens = tokens.flatten(2).transpose(1, 2)
    tokens = tokens + torch.from_numpy(reference_positions(*tokens.shape[1:]))
    for index in range(preset.depth):
        block = {
            name.removeprefix(f"blocks.{index}."): tensor
            for name, tensor in weights.items()
            if name.startswith(f"blocks.{index}.")
        }
        tokens = tokens + _attention(_norm(tokens, block, "norm1"), block, preset.heads)
        hidden = functional.gelu(_linear(_norm(tokens, block, "norm2"), block, "mlp.fc1"))
        tokens = tokens + _linear(hidden, block, "mlp.fc2")
    outputs = {"tokens": tokens}
    if "fc_norm.weight" in weights:
        outputs["pooled"] = _norm(tokens.mean(1), weights, "fc_norm")
    if "head.weight" in weights:
        outputs["logits"] = _linear(outputs["pooled"], weights, "head")
    return {name: tensor.numpy() for name, tensor in outputs.items()}


def _attention(tokens: torch.Tensor, block: dict[str, torch.Tensor], heads: int) -> torch.Tensor:
    batch, count, width = tokens.shape
    zeros = torch.zeros_like(block["attn.v_bias"])
    bias = torch.cat([block["attn.q_bias"], zeros, block["attn.v_bias"]])
    qkv = functional.linear(tokens, block["attn.qkv.weight"], bias).reshape(batch, count, 3, heads, -1)
    query, key, value = qkv.permute(2, 0, 3, 1, 4)
    scores = query @ key.transpose(-2, -1) * (width // heads) ** -0.5
    seen = (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, count, width)
    return _linear(seen, block, "attn.proj")


def _linear(values: torch.Tensor, weights: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    return functional.linear(values, weights[f"{name}.weight"], weights[f"{name}.bias"])


def _norm(values: torch.Tensor, weights: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    return functional.layer_norm(
        values, values.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], EPSILON
    )

"""VideoMAE of ``transformers``, in torch, with random weights; and the same weights for ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import VideoMAEConfig, VideoMAEForVideoClassification

from worker.model.classifier import VideoMAE
from worker.model.presets import Preset
from worker.model.weights import new_videomae, weights_by_name

Array = NDArray[np.float32]

FRAMES = 16
LABELS = 7
# The original code's. The configuration's own default is 1e-12, and its last norm has 1e-5 whatever it says.
EPSILON = 1e-6
# About as trained weights are spread; biases and norms far enough from 0 and 1 to be missed.
KERNEL_SCALE, BIAS_SCALE = 0.02, 0.1


def reference(
    preset: Preset, size_px: int, *, heads: int | None = None, epsilon: float | None = EPSILON, seed: int = 0
) -> VideoMAEForVideoClassification:
    """Return the published model with random weights, the biases of queries and values among them.

    Args:
        preset: Its size.
        size_px: Height and width of its clips.
        heads: Other than those of the preset.
        epsilon: Of all norms; None for those that ``transformers`` takes by itself.
        seed: Of the weights.
    """
    config = VideoMAEConfig(
        hidden_size=preset.width,
        num_hidden_layers=preset.depth,
        num_attention_heads=heads or preset.heads,
        intermediate_size=4 * preset.width,
        num_frames=FRAMES,
        image_size=size_px,
        num_labels=LABELS,
        attn_implementation="sdpa",
        **({} if epsilon is None else {"layer_norm_eps": epsilon}),
    )
    model = VideoMAEForVideoClassification(config).eval()
    generator = np.random.default_rng(seed)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            scale = KERNEL_SCALE if tensor.ndim > 1 else BIAS_SCALE
            values = scale * generator.standard_normal(tuple(tensor.shape), np.float32)
            tensor.copy_(torch.from_numpy(values + float("norm" in name and name.endswith("weight"))))
    if epsilon is not None:
        model.fc_norm.eps = epsilon
    return model


def outputs_of(model: VideoMAEForVideoClassification, clips: Array) -> dict[str, Array]:
    """Return tokens, pooled features and logits of clips (batch, frames, height, width, 3)."""
    with torch.inference_mode():
        tokens = model.videomae(torch.from_numpy(clips.transpose(0, 1, 4, 2, 3).copy())).last_hidden_state
        pooled = model.fc_norm(tokens.mean(1))
        found = {"tokens": tokens, "pooled": pooled, "logits": model.classifier(pooled)}
    return {name: tensor.numpy() for name, tensor in found.items()}


def ours(preset: Preset, model: VideoMAEForVideoClassification) -> VideoMAE:
    """Return our model with the same weights, put in place without the importer."""
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    filled = new_videomae(preset, labels=LABELS)
    weights = weights_by_name(filled)

    def put(name: str, values: NDArray[Any]) -> None:
        weights.pop(name).assign(values)

    def put_linear(name: str, key: str) -> None:
        put(f"{name}/kernel", state[f"{key}.weight"].T)
        put(f"{name}/bias", state[f"{key}.bias"])

    def put_norm(name: str, key: str) -> None:
        put(f"{name}/gamma", state[f"{key}.weight"])
        put(f"{name}/beta", state[f"{key}.bias"])

    patches = "videomae.embeddings.patch_embeddings.projection"
    kernel = state[f"{patches}.weight"].transpose(2, 3, 4, 1, 0).reshape(-1, preset.width)
    put("backbone/patch_embedding/projection/kernel", kernel)
    put("backbone/patch_embedding/projection/bias", state[f"{patches}.bias"])
    for index in range(preset.depth):
        name, key = f"backbone/block_{index}", f"videomae.encoder.layer.{index}"
        heads = f"{key}.attention.attention"
        put_norm(f"{name}/norm1", f"{key}.layernorm_before")
        kernels = [state[f"{heads}.{part}.weight"].T for part in ("query", "key", "value")]
        put(f"{name}/attention/qkv/kernel", np.concatenate(kernels, axis=1))
        biases = [state[f"{heads}.query.bias"], np.zeros(preset.width), state[f"{heads}.value.bias"]]
        put(f"{name}/attention/qkv/bias", np.concatenate(biases))
        put_linear(f"{name}/attention/projection", f"{key}.attention.output.dense")
        put_norm(f"{name}/norm2", f"{key}.layernorm_after")
        put_linear(f"{name}/fc1", f"{key}.intermediate.dense")
        put_linear(f"{name}/fc2", f"{key}.output.dense")
    put_norm("backbone/fc_norm", "fc_norm")
    put_linear("head", "classifier")
    assert not weights
    return filled

"""VideoMAE of ``transformers``, in torch."""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import VideoMAEConfig, VideoMAEForVideoClassification

from bench.model.contender import Precision, Setup
from bench.model.products import MLP_RATIO
from bench.model.weights import LABELS, clips, for_transformers

# Ours, and that of the original code; the configuration's own default differs.
EPSILON = 1e-6


class Reference:
    """A ``Contender``."""

    def __init__(self, setup: Setup, precision: Precision) -> None:
        """Build the model and fill it."""
        torch.set_num_threads(setup.threads)
        preset = setup.preset
        config = VideoMAEConfig(
            hidden_size=preset.width,
            num_hidden_layers=preset.depth,
            num_attention_heads=preset.heads,
            intermediate_size=MLP_RATIO * preset.width,
            num_frames=setup.clip.frames,
            image_size=setup.clip.size_px,
            layer_norm_eps=EPSILON,
            num_labels=LABELS,
            attn_implementation="sdpa",
        )
        model = VideoMAEForVideoClassification(config).eval()
        weights = for_transformers(preset)
        model.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
        model.fc_norm.eps = EPSILON
        self._setup = setup
        self._dtype = getattr(torch, precision)
        self._model = model.to(setup.device, self._dtype)
        self._pixels: dict[int, torch.Tensor] = {}

    def prepare(self, batch: int) -> None:
        """See ``Contender``."""
        self._pixels[batch] = self._input(batch)
        self.sample(batch)

    def sample(self, batch: int) -> dict[str, float]:
        """See ``Contender``; from a tensor of the model's own type and device to an array."""
        pixels = self._pixels[batch]
        start = time.perf_counter()
        with torch.inference_mode():
            self._model(pixels).logits.float().cpu().numpy()
        return {"forward": time.perf_counter() - start}

    def outputs(self, batch: int) -> dict[str, NDArray[np.float32]]:
        """See ``Contender``."""
        with torch.inference_mode():
            results = self._model(self._input(batch), output_hidden_states=True)
        tensors = {"tokens": results.hidden_states[-1], "logits": results.logits}
        return {name: tensor.float().cpu().numpy() for name, tensor in tensors.items()}

    def _input(self, batch: int) -> torch.Tensor:
        frames = np.ascontiguousarray(clips(self._setup.clip, batch).transpose(0, 1, 4, 2, 3))
        return torch.from_numpy(frames).to(self._setup.device, self._dtype)

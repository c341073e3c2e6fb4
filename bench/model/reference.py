"""VideoMAE of ``transformers``, in torch."""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import VideoMAEConfig, VideoMAEForVideoClassification

from bench.model.contender import Setup
from bench.model.weights import LABELS, as_transformers, clips
from worker.model.block import LAYER_NORM_EPSILON, MLP_RATIO


class Reference:
    """A ``Contender``."""

    def __init__(self, setup: Setup, device: str = "cpu") -> None:
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
            layer_norm_eps=LAYER_NORM_EPSILON,
            num_labels=LABELS,
            attn_implementation="sdpa",
        )
        model = VideoMAEForVideoClassification(config).eval()
        state = as_transformers(preset.width, preset.depth)
        model.load_state_dict({name: torch.from_numpy(values) for name, values in state.items()})
        model.fc_norm.eps = LAYER_NORM_EPSILON
        self._clip = setup.clip
        self._device = device
        self._dtype = getattr(torch, setup.precision)
        self._model = model.to(device, self._dtype)
        self._pixels: dict[int, torch.Tensor] = {}

    def prepare(self, batch: int) -> None:
        """See ``Contender``."""
        self._pixels[batch] = self._input(batch)
        self.sample(batch)

    def sample(self, batch: int) -> dict[str, float]:
        """See ``Contender``; from a tensor of the model's type to an array."""
        pixels = self._pixels[batch]
        start = time.perf_counter()
        with torch.inference_mode():
            self._model(pixels).logits.float().cpu().numpy()
        return {"forward": time.perf_counter() - start}

    def outputs(self, batch: int) -> dict[str, NDArray[np.float32]]:
        """See ``Contender``."""
        with torch.inference_mode():
            results = self._model(self._input(batch), output_hidden_states=True)
        tokens = results.hidden_states[-1]
        return {"tokens": tokens.float().cpu().numpy(), "logits": results.logits.float().cpu().numpy()}

    def _input(self, batch: int) -> torch.Tensor:
        frames = np.ascontiguousarray(clips(self._clip, batch).transpose(0, 1, 4, 2, 3))
        return torch.from_numpy(frames).to(self._device, self._dtype)

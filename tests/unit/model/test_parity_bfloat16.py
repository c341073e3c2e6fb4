"""What computing in bfloat16 costs: the tiny encoder, whole, on clips with something in them."""

from __future__ import annotations

import numpy as np
import pytest

from worker.model.classifier import VideoMAE
from worker.model.compiled import compile_forward
from worker.model.presets import PRESETS
from worker.model.weights import copy_weights, initialise, new_videomae

# Two hundred clips through an encoder.
pytestmark = pytest.mark.slow

CLIPS, FRAMES, SIZE_PX = 100, 16, 64
WAVES = 6
LABELS = 7
# Of the pooled features, whole vectors: 0.0046 and 0.99999 were measured.
LARGEST_DISTANCE = 0.01
LEAST_COSINE = 0.9999
# A hundred clips.
LEAST_SAME = 99

Outputs = dict[str, np.ndarray]


def moving_waves(generator: np.random.Generator) -> np.ndarray:
    """Return a clip of smooth colours that move, in the range of normalised pixels.

    Of noise all clips would look alike to an encoder: one class for all of them, whatever the precision.
    """
    times, rows, columns = np.meshgrid(
        np.linspace(0, 1, FRAMES), np.linspace(0, 1, SIZE_PX), np.linspace(0, 1, SIZE_PX), indexing="ij"
    )
    clip = np.empty((FRAMES, SIZE_PX, SIZE_PX, 3), np.float32)
    for channel in range(3):
        clip[..., channel] = generator.normal(0, 0.7)
        for _ in range(WAVES):
            speed, down, right = generator.uniform(-1, 1), *generator.uniform(-4, 4, 2)
            phase = 2 * np.pi * (speed * times + down * rows + right * columns + generator.random())
            clip[..., channel] += generator.normal(0, 0.5) * np.sin(phase)
    return clip


def run(model: VideoMAE, clips: list[np.ndarray]) -> Outputs:
    forward = compile_forward(lambda inputs: model(inputs["frames"], training=False), model=model)
    outputs = [forward({"frames": clip}) for clip in clips]
    return {name: np.concatenate([each[name] for each in outputs]) for name in ("pooled", "logits")}


@pytest.fixture(scope="module")
def found() -> tuple[Outputs, Outputs]:
    """What Xavier-uniform weights make of the clips in float32, and as they are served in bfloat16."""
    generator = np.random.default_rng(0)
    clips = [moving_waves(generator)[None] for _ in range(CLIPS)]
    exact = new_videomae(PRESETS["tiny"], labels=LABELS)
    initialise(exact)
    near = new_videomae(PRESETS["tiny"], labels=LABELS, dtype="bfloat16")
    copy_weights(exact, near)
    return run(exact, clips), run(near, clips)


def test_features_stay_near(found: tuple[Outputs, Outputs]) -> None:
    """Pooled features in bfloat16 are within 1 % of those in float32, and point the same way."""
    exact, near = (outputs["pooled"].astype(np.float64) for outputs in found)
    lengths = np.linalg.norm(exact, axis=1)

    distances = np.linalg.norm(near - exact, axis=1) / lengths
    cosines = (near * exact).sum(axis=1) / lengths / np.linalg.norm(near, axis=1)

    assert 0 < distances.max() < LARGEST_DISTANCE
    assert cosines.min() > LEAST_COSINE


def test_top_class_stays(found: tuple[Outputs, Outputs]) -> None:
    """Of 100 clips, which fall into several classes, 99 and more keep their top class in bfloat16."""
    exact, near = (outputs["logits"].argmax(axis=1) for outputs in found)
    clips_in_class = np.bincount(exact, minlength=LABELS)

    assert (clips_in_class >= 3).sum() >= 3
    assert clips_in_class.max() <= 75
    assert (exact == near).sum() >= LEAST_SAME

"""Our VideoMAE against that of ``transformers`` in torch, in float32, weights and clips random."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from worker.model.classifier import VideoMAE
from worker.model.presets import PRESETS
from worker.model.sources import import_weights
from worker.model.weights import load_videomae

if not all(map(importlib.util.find_spec, ("torch", "transformers"))):
    pytest.skip("torch or transformers is missing: both come with the extra parity", allow_module_level=True)

from tests.unit.model.transformers_videomae import FRAMES, Array, ours, outputs_of, reference

# The largest absolute difference, where tokens are about 1 and up to 8.
TOLERANCE = 2e-5
# Their last norm has an epsilon of its own, 1e-5, and the tokens' means here have a spread of about 0.4.
OTHER_EPSILON_TOLERANCE = 1e-4


def clips(size_px: int, count: int = 1) -> Array:
    """Return noise in the range of normalised pixels."""
    shape = (count, FRAMES, size_px, size_px, 3)
    return np.random.default_rng(size_px).standard_normal(shape, np.float32)


def run(model: VideoMAE, frames: Array) -> dict[str, Array]:
    outputs = model(frames, training=False)
    return {name: keras.ops.convert_to_numpy(output) for name, output in outputs.items()}


@pytest.mark.parametrize(
    ("name", "depth", "size_px"),
    [
        ("small", 3, 160),
        pytest.param("small", 3, 224, marks=pytest.mark.slow),
        pytest.param("base", 12, 160, marks=pytest.mark.slow),
        pytest.param("base", 2, 224, marks=pytest.mark.slow),
        pytest.param("large", 2, 160, marks=pytest.mark.slow),
        pytest.param("large", 2, 224, marks=pytest.mark.slow),
    ],
)
def test_tokens_are_those_of_transformers(name: str, depth: int, size_px: int) -> None:
    """Tokens, pooled features and logits of small (6 heads), base and large are within 2e-5."""
    preset = replace(PRESETS[name], depth=depth)
    theirs = reference(preset, size_px)
    frames = clips(size_px)

    found, expected = run(ours(preset, theirs), frames), outputs_of(theirs, frames)

    assert found.keys() == expected.keys()
    for output, values in expected.items():
        assert np.abs(values).mean() > 0.2
        np.testing.assert_allclose(found[output], values, rtol=0, atol=TOLERANCE, err_msg=output)


@pytest.mark.slow
def test_imported_folder_computes_as_its_writer(tmp_path: Path) -> None:
    """A folder that transformers wrote, whole and with its own epsilons, is imported to the same tokens."""
    preset, frames = PRESETS["small"], clips(160)
    theirs = reference(preset, 160, epsilon=None)
    theirs.save_pretrained(tmp_path / "theirs")

    import_weights(tmp_path / "theirs", preset, tmp_path / "ours.weights.h5")
    found = run(load_videomae(tmp_path / "ours.weights.h5"), frames)

    expected = outputs_of(theirs, frames)
    np.testing.assert_allclose(found["tokens"], expected["tokens"], rtol=0, atol=TOLERANCE)
    for output in ("pooled", "logits"):
        np.testing.assert_allclose(found[output], expected[output], rtol=0, atol=OTHER_EPSILON_TOLERANCE)


def test_sixteen_heads_would_be_seen() -> None:
    """Small with 16 heads, as a widespread configuration has it, is a hundred times further away and more."""
    preset, frames = replace(PRESETS["small"], depth=2), clips(160)
    theirs = reference(preset, 160, heads=16)

    distance = np.abs(run(ours(preset, theirs), frames)["tokens"] - outputs_of(theirs, frames)["tokens"])

    assert distance.max() > 100 * TOLERANCE

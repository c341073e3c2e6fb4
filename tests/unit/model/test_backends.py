"""One weights file and one clip, on TensorFlow, JAX and torch, as serving compiles them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest

from tests.unit.model.minis import randomise
from worker.model.presets import PRESETS
from worker.model.weights import new_videomae

# JAX and torch take most of a minute to start.
pytestmark = pytest.mark.slow

Outputs = dict[str, np.ndarray]

BACKENDS = ("tensorflow", "jax", "torch")
# The largest absolute difference, where tokens are about 2.
TOLERANCE = 2e-5
FRAMES, SIZE_PX = 16, 96
TOKENS = 288
WEIGHT_SCALE = 0.05

PROGRAM = """
import sys
from pathlib import Path

import numpy as np

from worker.model.compiled import compile_forward, load_backend

backend = load_backend()
backend.limit_threads(2)

from worker.model.weights import load_videomae

model = load_videomae(Path(sys.argv[1]))
encoder = model.backbone

def whole(inputs):
    return model(inputs["frames"], training=False)

def in_part(inputs):
    tokens = encoder.encode(encoder.embed(inputs["frames"]), inputs["mask"])
    return {"tokens": tokens, "pooled": encoder.pool(tokens, inputs["mask"])}

given = dict(np.load(sys.argv[2]))
found = {}
for function, inputs in ((whole, ("frames",)), (in_part, ("frames", "mask"))):
    outputs = compile_forward(function, model=model)({name: given[name] for name in inputs})
    found |= {f"{function.__name__} {name}": array for name, array in outputs.items()}

forward = compile_forward(lambda inputs: {"pooled": encoder.fc_norm(inputs["pooled"])}, model=model)
traces = []
for rows in (1, 2, 1, 2, 3, 3):
    forward({"pooled": np.ones((rows, 192), np.float32)})
    traces.append(forward.traces)
np.savez(sys.argv[3], backend=backend.NAME, traces=traces, **found)
"""


@pytest.fixture(scope="module")
def given() -> Outputs:
    """Two clips, and tokens to be seen of each."""
    generator = np.random.default_rng(0)
    clips = generator.standard_normal((2, FRAMES, SIZE_PX, SIZE_PX, 3), np.float32)
    return {"frames": clips, "mask": generator.random((2, TOKENS)) < 0.5}


@pytest.fixture(scope="module")
def found(given: Outputs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outputs]:
    """What each backend that is installed makes of the clips."""
    folder = tmp_path_factory.mktemp("backends")
    weights, clips = folder / "tiny.weights.h5", folder / "clips.npz"
    model = new_videomae(PRESETS["tiny"], labels=7)
    randomise(model, scale=WEIGHT_SCALE)
    for weight in model.weights:
        if weight.name == "gamma":
            weight.assign_add(np.ones(weight.shape))
    model.save_weights(weights)
    np.savez(clips, **given)
    results = {}
    for backend in filter(importlib.util.find_spec, BACKENDS):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, weights, clips, folder / f"{backend}.npz"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "KERAS_BACKEND": backend},
        )
        assert done.returncode == 0, done.stderr
        with np.load(folder / f"{backend}.npz") as arrays:
            results[backend] = dict(arrays)
    return results


def pairs(found: dict[str, Outputs]) -> list[tuple[Outputs, Outputs]]:
    if len(found) < 2:
        pytest.skip("there is no second backend: JAX and torch come with the extra parity")
    return list(combinations(found.values(), 2))


def test_backends_give_the_same_tokens(found: dict[str, Outputs]) -> None:
    """Tokens, pooled features and logits of a whole clip are within 2e-5 of each other."""
    for one, other in pairs(found):
        for name in ("tokens", "pooled", "logits"):
            values = one[f"whole {name}"]
            assert values.dtype == np.float32
            np.testing.assert_allclose(values, other[f"whole {name}"], rtol=0, atol=TOLERANCE)


def test_backends_hide_the_same_tokens(found: dict[str, Outputs], given: Outputs) -> None:
    """With half of the tokens hidden, those that are seen are within 2e-5 of each other."""
    seen = given["mask"]
    for one, other in pairs(found):
        tokens, others = (outputs["in_part tokens"][seen] for outputs in (one, other))
        np.testing.assert_allclose(tokens, others, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(one["in_part pooled"], other["in_part pooled"], rtol=0, atol=TOLERANCE)
        assert np.abs(tokens - one["whole tokens"][seen]).max() > 1e-3


def test_each_size_is_traced_once(found: dict[str, Outputs]) -> None:
    """On every backend a program is made for each number of rows, and then never again."""
    for backend, outputs in found.items():
        assert outputs["backend"] == backend
        assert outputs["traces"].tolist() == [1, 2, 2, 2, 3, 3], backend

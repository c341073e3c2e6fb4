"""Networks of every fusion say the same on TensorFlow, JAX and torch."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.unit.model.mini_networks import PRESENT, fixed_network, inputs_of, run

VARIANTS = ("hybrid audio-first", "late shared")
# The weights follow from their order alone, so each process makes the same ones. JAX compiles as it does
# in service: operation by operation takes minutes.
PROGRAM = """
import sys
import keras
import numpy as np
from tests.unit.model.mini_networks import PRESENT, inputs_of, mini_network

found = {}
for variant in sys.argv[2:]:
    network = mini_network(variant)
    call = network
    if keras.backend.backend() == "jax":
        import jax
        call = jax.jit(lambda inputs: network(inputs))
    inputs = {name: keras.ops.convert_to_tensor(array) for name, array in inputs_of(network).items()}
    for name, output in call({**inputs, "present": keras.ops.convert_to_tensor(PRESENT)}).items():
        found[f"{variant} {name}"] = keras.ops.convert_to_numpy(output)
np.savez(sys.argv[1], **found)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backends_agree(backend: str, tmp_path: Path) -> None:
    """Another backend gives the same outputs, whatever windows lack."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed; it comes with the extra parity.")
    path = tmp_path / "found.npz"

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, path, *VARIANTS],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": backend},
    )

    assert done.returncode == 0, done.stderr
    with np.load(path) as found:
        for variant in VARIANTS:
            network = fixed_network(variant)
            for name, expected in run(network, {**inputs_of(network), "present": PRESENT}).items():
                np.testing.assert_allclose(found[f"{variant} {name}"], expected, atol=2e-5)

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
from tests.unit.model.minis import MINI, MINI_CONVOLUTIONAL

CASES = {
    "hybrid audio-first": (MINI, MINI_CONVOLUTIONAL),
    "late shared": (MINI,),
}
# Compiled as in service. The weights follow from their order alone, so each process makes the same ones.
PROGRAM = """
import sys
import numpy as np
from tests.unit.model.mini_networks import PRESENT, inputs_of, mini_network
from tests.unit.model.test_network_backends import CASES
from worker.model.compiled import compile_forward

found = {}
for variant, presets in CASES.items():
    for preset in presets:
        network = mini_network(variant, preset)
        forward = compile_forward(lambda inputs: dict(network(inputs, training=False)), model=network)
        for name, output in forward({**inputs_of(network), "present": PRESENT}).items():
            found[f"{variant} {preset.stem} {name}"] = output
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
        [sys.executable, "-c", PROGRAM, path],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": backend},
    )

    assert done.returncode == 0, done.stderr
    with np.load(path) as found:
        for variant, preset in ((name, each) for name, presets in CASES.items() for each in presets):
            network = fixed_network(variant, preset)
            for name, expected in run(network, {**inputs_of(network), "present": PRESENT}).items():
                given = found[f"{variant} {preset.stem} {name}"]
                np.testing.assert_allclose(given, expected, atol=2e-5)

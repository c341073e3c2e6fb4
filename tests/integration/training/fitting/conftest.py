"""A data set, how to train on it, and a disk that is soon full."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.training.fitting.runs import Training
from tests.integration.training.fitting.voices import write_recipe, write_voices


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """Generated voices of two speakers, and how to train on them."""
    folder = tmp_path_factory.mktemp("training")
    return Training(
        recipe=write_recipe(folder / "made.toml"),
        data=write_voices(folder / "voices"),
        cache=folder / "features",
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 12 MB, where one may be mounted: room for one state of the network, and not for two."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)]
    if mount is None or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no disk may be mounted here")
    yield place
    # What still has a log open there, such as TensorBoard's writer, is no reason to wait.
    subprocess.run(["umount", "--lazy", str(place)], check=True)

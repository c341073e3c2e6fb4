"""A data set, how to train on it, and a disk that is soon full."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disks import mounted
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
    with mounted(tmp_path / "disk", "12m") as place:
        yield place

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.unit.faces.openface.installs import FakeInstall


@pytest.fixture
def install(tmp_path: Path) -> FakeInstall:
    """A whole installation of OpenFace whose program replays."""
    return FakeInstall.create(tmp_path / "OpenFace", tmp_path / "scratch")


@pytest.fixture(autouse=True, scope="module")
def older_objects_apart() -> Iterator[None]:
    """Keep what other tests made out of each test's collections, which would take half a second for it."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """Hold every test to leaving no process, open file or temporary file behind."""
    process = psutil.Process()
    # What other tests left to be collected must not be taken for ours.
    gc.collect()
    files = process.num_fds()
    before = process.children()
    yield
    assert [child for child in process.children() if child not in before] == []
    # What an exception's traceback still holds is about to go.
    gc.collect()
    assert process.num_fds() <= files
    scratch = tmp_path / "scratch"
    assert not scratch.exists() or list(scratch.iterdir()) == []

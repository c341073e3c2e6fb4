from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from client.stack.postgres import EmbeddedPostgres


@pytest.fixture(scope="session")
def made_cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return PostgreSQL's folder as the first start leaves it, never served."""
    folder = tmp_path_factory.mktemp("made") / "postgres"
    prepare = EmbeddedPostgres(folder).process().prepare
    assert prepare is not None
    prepare()
    return folder


@pytest.fixture
def copy_cluster(made_cluster: Path) -> Callable[[Path], None]:
    """Copy a new cluster, which is faster than to make one."""

    def copy(folder: Path) -> None:
        shutil.copytree(made_cluster, folder)

    return copy

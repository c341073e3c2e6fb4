from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.clip import make_clip
from tests.compose.service import Service
from tests.compose.stack import Stack, no_engine


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole service in containers, built from this tree and removed at the end."""
    if reason := no_engine():
        pytest.skip(reason)
    stack = Stack()
    stack.build()
    stack.down(volumes=True)
    try:
        stack.up()
        yield stack
    finally:
        stack.down(volumes=True)


@pytest.fixture(scope="session")
def service(stack: Stack) -> Iterator[Service]:
    with Service(stack.url, stack.make_key("compose-test")) as service:
        yield service


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "clip.mp4"
    make_clip(path)
    return path

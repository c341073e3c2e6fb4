from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.stack.folder import DataFolder, StackNote
from shared.settings import get_settings
from tests.unit.client.runs import MP4_HEAD, WAV_HEAD, Stack
from tests.unit.client.server import ScriptedServer, serving


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server on this machine whose answers a test writes."""
    with serving() as scripted:
        yield scripted


@pytest.fixture
def stack(server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """A running stack to attach to, named by the environment."""
    folder = DataFolder(tmp_path / "data")
    folder.make()
    assert folder.try_lock()
    folder.write_note(StackNote(api_url=server.url, database_url="", broker_url="", pid=os.getpid(), pids={}))
    monkeypatch.setenv("AVEMOTION_DATA_DIR", str(folder.path))
    monkeypatch.setenv("COLUMNS", "80")
    yield Stack(server, folder.path)
    folder.unlock()
    get_settings.cache_clear()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A file that begins as a video does."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(MP4_HEAD + bytes(1000))
    return path


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """A file that begins as sound does."""
    path = tmp_path / "voice.wav"
    path.write_bytes(WAV_HEAD + bytes(1000))
    return path

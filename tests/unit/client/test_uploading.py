from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import AvemotionError, ErrorCode
from shared.sniff import MediaType
from tests.unit.client.calls import Pauses, ask
from tests.unit.client.server import Answer, ScriptedServer

WAV = MediaType("audio", "audio/wav", "wav")


def test_an_upload_is_streamed_whole(server: ScriptedServer, tmp_path: Path) -> None:
    """Upload sends the bytes as they are with their length and type, and tells how far it is."""
    path = tmp_path / "a.wav"
    path.write_bytes(bytes(range(256)) * 4000)
    server.on("POST /upload/audio", Answer(201, {"id": "abc"}))
    sent: list[int] = []
    size = path.stat().st_size
    assert ask(server.url, lambda client: client.upload(path, WAV, size, sent.append)) == "abc"
    (seen,) = server.seen
    assert seen.body == path.read_bytes()
    assert seen.headers["Content-Length"] == str(size)
    assert seen.headers["Content-Type"] == "audio/wav"
    assert sent == sorted(sent)
    assert len(sent) > 1
    assert sent[-1] == size


def test_an_upload_begins_anew_after_a_failure(server: ScriptedServer, tmp_path: Path) -> None:
    """The second try sends the whole file again."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"x" * 1000)
    server.on("POST /upload/audio", Answer(503), Answer(201, {"id": "abc"}))
    ask(server.url, lambda client: client.upload(path, WAV, 1000))
    assert [seen.body for seen in server.seen] == [b"x" * 1000] * 2


def test_a_file_that_grew_is_cut(server: ScriptedServer, tmp_path: Path) -> None:
    """No more is sent than was announced."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"x" * 1000)
    server.on("POST /upload/audio", Answer(201, {"id": "abc"}))
    ask(server.url, lambda client: client.upload(path, WAV, 600))
    assert server.seen[0].body == b"x" * 600


def test_a_file_that_shrank_is_a_typed_error(server: ScriptedServer, tmp_path: Path) -> None:
    """A file that ends before its announced length is an incomplete upload, and is not tried again."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"x" * 1000)
    server.on("POST /upload/audio", Answer(201, {"id": "abc"}))
    pauses = Pauses()
    with pytest.raises(AvemotionError) as caught:
        ask(server.url, lambda client: client.upload(path, WAV, 2000), pauses=pauses)
    assert caught.value.code is ErrorCode.UPLOAD_INCOMPLETE
    assert pauses.seconds == []

"""``avemotion run``, attached to a stack whose API is a server with a script."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from client.main import app
from shared.settings import get_settings
from tests.processes import heed_signals
from tests.unit.client.documents import JOB_ID, make_open
from tests.unit.client.server import Answer, ScriptedServer

JOB_CALL = f"GET /jobs/{JOB_ID}"
CANCEL_CALL = f"POST /jobs/{JOB_ID}/cancel"
MP4_HEAD = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"
WAV_HEAD = b"RIFF\x24\x00\x00\x00WAVEfmt "


class Stack:
    """A data folder on which a stack seems to run: ours, with the scripted server as its API."""

    def __init__(self, server: ScriptedServer, folder: Path) -> None:
        """Make the server accept whatever a run asks for, up to the job's end."""
        self.server = server
        self.folder = folder
        server.on("GET /readyz", Answer(body={}))
        for kind in ("video", "audio"):
            server.on(f"POST /upload/{kind}", Answer(201, {"id": f"{kind}-1"}))
        server.on("POST /predict", Answer(202, make_open()))

    def ends_with(self, *documents: dict[str, Any]) -> None:
        """Script what the job looks like from poll to poll."""
        answers = [
            Answer(body=document, headers={"ETag": f'"{number}"'})
            for number, document in enumerate(documents)
        ]
        self.server.on(JOB_CALL, *answers)

    def start(self, *arguments: str | bytes | Path, **env: str) -> subprocess.Popen[bytes]:
        """Start the command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "client.main", "run", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | env,
            preexec_fn=heed_signals,  # noqa: PLW1509 - nothing in it can wait for another thread
        )


def run(*arguments: str | Path) -> int:
    """Run the command in this process and return its exit code."""
    get_settings.cache_clear()
    with pytest.raises(SystemExit) as ended:
        app(["run", *map(str, arguments)])
    code = ended.value.code
    assert isinstance(code, int)
    return code

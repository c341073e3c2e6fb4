"""The parent's side of a contender's process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Any

from bench.model.contender import Kind, Setup
from shared.errors import AvemotionError, ErrorCode

STDERR_LINES = 8


class Process:
    """A contender in a process of its own, idle unless asked."""

    def __init__(self, kind: Kind, setup: Setup) -> None:
        """Start it; the first answer tells that it has loaded."""
        self.kind = kind
        self.setup = setup
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed below
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.model.child", kind, json.dumps(setup.as_json())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=os.environ | environment(setup.threads),
        )

    def ask(self, request: str, **arguments: Any) -> Any:
        """Return the answer to a request, which ``child`` lists."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            print(json.dumps({"ask": request, **arguments}), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._process.wait()
            self._errors.seek(0)
            last = self._errors.read().strip().splitlines()[-STDERR_LINES:]
            raise AvemotionError(
                ErrorCode.INTERNAL_ERROR, f"The process of {self.kind} has ended: " + "\n".join(last)
            )
        return json.loads(line)

    def __enter__(self) -> Process:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._errors.close()


def environment(threads: int) -> dict[str, str]:
    """Return the variables that give each library as many threads, and keep it quiet and off the network."""
    return {
        "KERAS_BACKEND": "tensorflow",
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "HF_HUB_OFFLINE": "1",
    }

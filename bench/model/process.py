"""The parent's side of a process with contenders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from bench.model.contender import Kind, Precision, Setup
from shared.errors import AvemotionError, ErrorCode

STDERR_LINES = 8


class Process:
    """A process that waits idle until it is asked.

    Attributes:
        cpu_s: Processor time that it had taken at its last answer.
    """

    def __init__(self, process: subprocess.Popen[str], errors: IO[str]) -> None:
        """Take a process that ``start`` has started, and where its errors go."""
        self.cpu_s = 0.0
        self._process = process
        self._errors = errors

    def ask(self, request: str, kind: Kind, precision: Precision, batch: int, **more: Any) -> Any:
        """Return the answer to a request, see ``bench.model.child``.

        Raises:
            AvemotionError: ``INTERNAL_ERROR``: the process has ended; the message says why.
        """
        document = {"ask": request, "kind": kind, "precision": precision, "batch": batch, **more}
        line = self._exchange(json.dumps(document))
        if not line:
            self._process.wait()
            self._errors.seek(0)
            last = self._errors.read().strip().splitlines()[-STDERR_LINES:]
            raise AvemotionError(
                ErrorCode.INTERNAL_ERROR,
                f"The process of {kind} ended with code {self._process.returncode}:\n" + "\n".join(last),
            )
        answer = json.loads(line)
        self.cpu_s = answer["cpu_s"]
        return answer["result"]

    def _exchange(self, line: str) -> str:
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("The process needs pipes.")
        try:
            print(line, file=self._process.stdin, flush=True)
        except BrokenPipeError:
            return ""
        return self._process.stdout.readline()


@contextmanager
def start(setup: Setup, variables: Mapping[str, str] | None = None) -> Iterator[Process]:
    """Start a process and end it with the context.

    Args:
        setup: What it measures.
        variables: Environment variables beside those of ``environment``.
    """
    command = [sys.executable, "-m", "bench.model.child", json.dumps(setup.as_json())]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            env={**os.environ, **environment(setup), **(variables or {})},
        ) as process,
    ):
        try:
            yield Process(process, errors)
        finally:
            process.kill()


def environment(setup: Setup) -> dict[str, str]:
    """Return variables that give each library as many threads, and keep it quiet and off the network."""
    threads = str(setup.threads)
    return {
        "KERAS_BACKEND": "tensorflow",
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "HF_HUB_OFFLINE": "1",
        **({"CUDA_VISIBLE_DEVICES": ""} if setup.device == "cpu" else {}),
    }

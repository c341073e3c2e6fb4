"""Running ``avemotion train``: in this process where that ends soon, else in one of its own."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from client.main import app
from tests.processes import heed_signals

ROOT = Path(__file__).parents[4]
MOST_S = 600


@dataclass(frozen=True)
class Training:
    """What a test trains on, and how.

    Attributes:
        recipe: Path of the recipe.
        data: Folder of the data set.
        cache: Of features.
        options: Of the command, beside these.
    """

    recipe: Path
    data: Path
    cache: Path
    options: tuple[str, ...] = ()

    def using(self, *options: str | Path) -> Training:
        """Return the same with more options."""
        return replace(self, options=(*self.options, *map(str, options)))

    def words(self, out: Path) -> list[str]:
        """Return the words of the command, after ``avemotion``."""
        given = ("--data", f"made={self.data}", "--cache", self.cache, "--out", out, "--processes", 1)
        return ["train", str(self.recipe), *map(str, given), *self.options]

    def here(self, out: Path) -> Result:
        """Run the command in this process; what is neither an exit nor a sentence is a fault of it."""
        result = CliRunner().invoke(app, self.words(out))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def start(self, out: Path, backend: str = "tensorflow") -> subprocess.Popen[str]:
        """Start the command in a process of its own."""
        return start(self.words(out), backend)


def start(words: Sequence[str], backend: str = "tensorflow") -> subprocess.Popen[str]:
    """Start ``avemotion`` with these words, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "client.main", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "KERAS_BACKEND": backend},
        preexec_fn=heed_signals,  # noqa: PLW1509 - nothing in it can wait for another thread
    )


def settings(**values: object) -> list[str]:
    """Return ``--set`` options: two underscores in a name stand for a dot; values are as TOML has them."""
    return [
        word for name, value in values.items() for word in ("--set", f"{name.replace('__', '.')}={value}")
    ]


def rows_of(log: Path) -> list[dict[str, str]]:
    """Return the rows of a log that is there, or may be."""
    if not log.exists():
        return []
    with log.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def await_rows(process: subprocess.Popen[str], log: Path, count: int) -> None:
    """Wait until a training has logged so many epochs."""
    end = time.monotonic() + MOST_S
    while len(rows_of(log)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"no {count} epochs in {MOST_S} s"
        time.sleep(0.02)


def refusal(result: Result, code: str) -> str:
    """Return the sentence that a run was refused with, once it is held to be one, without a traceback."""
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    last = result.stderr.rstrip().splitlines()[-1]
    assert last.startswith(f"{code}: "), result.stderr
    assert "Traceback" not in result.stderr
    return last

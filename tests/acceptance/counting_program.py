"""A stand-in for ``FeatureExtraction`` that says the same of each frame of the video it is given.

``same.csv`` beside it has the header and one row. Where that is missing, ``replay`` beside it is run instead.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import av

HERE = Path.cwd()


def main() -> None:
    same = HERE / "same.csv"
    if not same.exists():
        os.execv(HERE / "replay", [str(HERE / "replay"), *sys.argv[1:]])  # noqa: S606 - no shell is wanted
    out_dir, name, video = (sys.argv[sys.argv.index(flag) + 1] for flag in ("-out_dir", "-of", "-f"))
    with av.open(video) as container:
        frames = sum(1 for _ in container.decode(video=0))
    header, row = same.read_text(encoding="ascii").splitlines()
    rest = row.split(",", 1)[1]
    lines = [header, *(f"{number},{rest}" for number in range(1, frames + 1))]
    (Path(out_dir) / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="ascii")
    sys.stdout.write((HERE / "stdout.txt").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()

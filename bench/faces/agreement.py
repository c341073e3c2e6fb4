"""How well the built-in analyzer agrees with OpenFace on the same clip, column by column.

Usage: python -m bench.faces.agreement CLIP CSV

CSV is what OpenFace's ``FeatureExtraction`` wrote for the clip. Every frame that the clip holds is read,
at the clip's own rate, as OpenFace does. ``python -m bench.faces.clip`` fetches the clip of the docs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from bench.faces.clip import frame_rate, stored_frames
from bench.faces.recording import Agreement, compare, read_table
from worker.faces.landmarker import Landmarker
from worker.faces.table import INTENSITY_UNITS, VALUE_COLUMNS, FaceTable

# Least correlation on the clip `single_face.mp4`.
AIMS = {
    "AU12_r": 0.9,
    "AU25_r": 0.9,
    "AU06_r": 0.8,
    "AU10_r": 0.8,
    "pose_Ry": 0.8,
    "AU01_r": 0.7,
    "AU26_r": 0.7,
    "AU45_r": 0.7,
}
COLUMNS = (
    *(f"{unit}_r" for unit in INTENSITY_UNITS),
    *(name for name in VALUE_COLUMNS if name.startswith(("pose_", "gaze_"))),
)


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("csv", type=Path, help="OpenFace's output for the clip")
    options = parser.parse_args()
    print_agreement(agreement(options.clip, options.csv))


def agreement(clip: Path, recording: Path) -> list[Agreement]:
    """Return how each of ``COLUMNS`` goes with a recording."""
    ours = analyze(clip)
    theirs = read_table(recording, len(ours), frame_rate(clip))
    return [compare(name, *(of.column(name).astype(np.float64) for of in (ours, theirs))) for name in COLUMNS]


def analyze(clip: Path) -> FaceTable:
    """Return the built-in analyzer's rows for each frame that a clip holds."""
    return (
        Landmarker.load()
        .analyze(
            stored_frames(clip),
            fps=frame_rate(clip),
            first_frame=0,
            keep=[],
            crop_size=8,
            checkpoint=lambda: None,
        )
        .table
    )


def print_agreement(rows: list[Agreement]) -> None:
    """Print a table of it."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("column")
    for name in ("r", "aim", "ours - theirs", "spread", "theirs"):
        table.add_column(name, justify="right")
    for row in rows:
        aim = AIMS.get(row.name)
        table.add_row(
            row.name,
            correlation(row),
            "" if aim is None else f"{aim} {'met' if row.r >= aim else 'missed'}",
            *(
                "" if np.isnan(value) else f"{value:.3f}"
                for value in (row.offset, row.spread, row.their_spread)
            ),
        )
    Console().print(table)


def correlation(row: Agreement) -> str:
    """Return what is shown as a column's correlation."""
    if np.isnan(row.offset):
        return "not seen"
    return "flat" if np.isnan(row.r) else f"{row.r:.2f}"


if __name__ == "__main__":
    main()

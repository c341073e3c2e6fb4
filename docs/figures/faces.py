"""Draw what OpenFace and the built-in analyzer say of the same clip over time: docs/faces.png.

Usage: python -m docs.figures.faces CLIP CSV

CSV is what OpenFace's ``FeatureExtraction`` wrote for the clip. Text needs OpenCV 5.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.faces.agreement import analyze
from bench.faces.clip import frame_rate
from bench.faces.recording import compare, read_table
from docs.figures.text import PALE, Picture, write

FIGURE = Path(__file__).parents[1] / "faces.png"

WIDTH_PX = 1000
LEFT_PX, RIGHT_PX = 150, 960
HEADER_PX, PANEL_PX, GAP_PX, FOOT_PX = 72, 112, 30, 8
# Points of a curve are placed to a sixteenth of a pixel.
SHIFT = 4

RULE = (225, 225, 225)
OPENFACE_COLOUR, LANDMARKER_COLOUR = (150, 150, 150), (20, 90, 190)
# Column, title, unit, factor to that unit, least and most of the axis.
PANELS = (
    ("AU12_r", "AU12", "lip corners pulled", 1.0, 0.0, 5.0),
    ("AU25_r", "AU25", "lips apart", 1.0, 0.0, 5.0),
    ("AU45_r", "AU45", "blink", 1.0, 0.0, 5.0),
    ("pose_Ry", "yaw", "degrees", 180 / np.pi, -5.0, 5.0),
)

Column = NDArray[np.float64]


def main() -> None:
    """Make the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("csv", type=Path, help="OpenFace's output for the clip")
    options = parser.parse_args()
    table = analyze(options.clip)
    theirs = read_table(options.csv, len(table), frame_rate(options.clip))
    canvas = np.full((HEADER_PX + len(PANELS) * (PANEL_PX + GAP_PX) + FOOT_PX, WIDTH_PX, 3), 255, np.uint8)
    draw_header(canvas)
    y = HEADER_PX
    for name, title, unit, factor, low, high in PANELS:
        ours, recorded = (of.column(name).astype(np.float64) for of in (table, theirs))
        r = compare(name, ours, recorded).r
        write(canvas, title, y + 34, size=19, weight=600)
        write(canvas, unit, y + 54, colour=PALE)
        write(canvas, f"r = {r:.2f}", y + 76, size=15)
        draw_axis(canvas, y, low, high)
        times = (theirs.timestamp, table.timestamp)
        end_s = float(table.timestamp[-1])
        for at_s, values, colour, thick in zip(
            times, (recorded, ours), (OPENFACE_COLOUR, LANDMARKER_COLOUR), (3, 2), strict=True
        ):
            curve = np.stack((at_s / end_s, (values * factor - low) / (high - low)), axis=1)
            draw_curve(canvas, y, curve, colour, thick)
        y += PANEL_PX + GAP_PX
    draw_times(canvas, y - GAP_PX, float(table.timestamp[-1]))
    cv2.imwrite(str(FIGURE), cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def draw_header(canvas: Picture) -> None:
    """Say what the figure shows, and whose line is whose."""
    write(canvas, "The same clip through both analyzers", 30, size=19, weight=600)
    x = LEFT_PX
    for words, colour in (
        ("OpenFace 2.2, recorded", OPENFACE_COLOUR),
        ("landmarker, built in", LANDMARKER_COLOUR),
    ):
        cv2.line(canvas, (x, 50), (x + 28, 50), colour, 3, cv2.LINE_AA)
        write(canvas, words, 55, x=x + 36)
        x += 230


def draw_axis(canvas: Picture, y: int, low: float, high: float) -> None:
    """Draw the rules of a panel whose top is at ``y``: its ends and its middle."""
    for share in (0.0, 0.5, 1.0):
        at = round(y + PANEL_PX * (1 - share))
        cv2.line(canvas, (LEFT_PX, at), (RIGHT_PX, at), RULE, 1)
        write(canvas, f"{low + share * (high - low):g}", at + 4, x=RIGHT_PX + 8, size=12, colour=PALE)


def draw_curve(canvas: Picture, y: int, curve: Column, colour: tuple[int, int, int], thick: int) -> None:
    """Draw points to the right and up, (N, 2) in [0, 1], into the panel at ``y``; NaN leaves a gap."""
    size, origin = (RIGHT_PX - LEFT_PX, -PANEL_PX), (LEFT_PX, y + PANEL_PX)
    points = np.clip(curve, 0, 1) * size + origin
    gaps = np.flatnonzero(np.isnan(points).any(axis=1))
    for piece in np.split(points, gaps):
        whole = piece[~np.isnan(piece).any(axis=1)]
        if len(whole) > 1:
            scaled = np.round(whole * 2**SHIFT).astype(np.int32)
            cv2.polylines(canvas, [scaled], False, colour, thick, cv2.LINE_AA, SHIFT)  # noqa: FBT003 - open


def draw_times(canvas: Picture, y: int, end_s: float) -> None:
    """Write the times below the last panel."""
    for tick_s in np.arange(0, end_s, 0.5):
        x = round(LEFT_PX + tick_s / end_s * (RIGHT_PX - LEFT_PX))
        write(canvas, f"{tick_s:g} s", y + 20, x=x - 8, size=12, colour=PALE)


if __name__ == "__main__":
    main()

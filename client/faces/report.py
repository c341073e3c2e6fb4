"""What was seen, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from worker.faces.track import FaceTrack

MOST_UNITS = 5
# Below this an action unit is not worth a mention, on a scale that ends at 5.
LEAST_INTENSITY = 0.5


def summary_lines(track: FaceTrack, seen_by: str) -> Iterator[str]:
    """Yield what a person wants to know of a track before opening its table."""
    table = track.table
    usable = int(np.count_nonzero(table.success))
    yield f"seen by   {seen_by}"
    yield f"faces     {track.most_faces or 'none'}{' at most in a frame' if track.most_faces > 1 else ''}"
    yield f"frames    {usable} of {len(table)} usable"
    if usable:
        yaw, pitch = (np.degrees(table.column(name)[table.success]) for name in ("pose_Ry", "pose_Rx"))
        yield f"head      {_range(yaw)} about the vertical, {_range(pitch)} up and down"
        yield f"strongest {_strongest(track)}"
    for code in track.warnings:
        yield f"warning   {code.message}"


def _range(degrees: np.ndarray) -> str:
    known = degrees[np.isfinite(degrees)]
    # Adding 0 turns a zero with a minus into a plain one.
    low, high = (round(float(bound)) + 0 for bound in (known.min(), known.max())) if known.size else (0, 0)
    return f"{low:+d} to {high:+d} degrees" if known.size else "not known"


def _strongest(track: FaceTrack) -> str:
    from worker.faces.table import INTENSITY_UNITS  # noqa: PLC0415 - not needed for --help

    peaks = {}
    for unit in INTENSITY_UNITS:
        column = track.table.column(f"{unit}_r")
        if np.isfinite(column).any():
            peaks[unit] = float(np.nanmax(column))
    told = sorted((unit for unit in peaks if peaks[unit] >= LEAST_INTENSITY), key=lambda unit: -peaks[unit])
    return ", ".join(f"{unit} {peaks[unit]:.1f}" for unit in told[:MOST_UNITS]) or "no action unit"

"""What OpenFace recorded: its CSV, read by the names of its columns.

Takes the tables of OpenFace 2.0 to 2.2 from Linux and Windows: with and without spaces behind the
commas, with and without ``face_id``, with any set of features. Bytes of any kind are survived.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.errors import AvemotionError, ErrorCode
from worker.faces.table import INTENSITY_UNITS, VALUE_COLUMNS

MIN_CONFIDENCE: Final = 0.8
MAX_TURN_RAD: Final = 1.0

_TURNS: Final = ("pose_Rx", "pose_Ry", "pose_Rz")
_HEAD: Final = ("frame", "confidence", "success")
# Without these nothing can be said of a row.
_NEEDED: Final = (*_HEAD, *_TURNS, *(f"{unit}_r" for unit in INTENSITY_UNITS))
# All 714 columns take 4 KiB a row.
_ROW_BYTES: Final = 16384
_HEADER_BYTES: Final = 1024**2


def largest_bytes(frames: int) -> int:
    """Return a size that the table of so many frames never reaches."""
    return _HEADER_BYTES + frames * _ROW_BYTES


@dataclass(frozen=True, eq=False)
class Recording:
    """The R whole rows of a CSV, as they are: junk and gaps included.

    Attributes:
        index: Number of each row's frame, from 0, in the order of the file, int64 (R,).
        confidence: In [0, 1], float32 (R,).
        success: Whether OpenFace says that it followed a face, bool (R,).
        columns: Those of ``VALUE_COLUMNS`` that the CSV has, float32 (R,) each.
    """

    index: NDArray[np.int64]
    confidence: NDArray[np.float32]
    success: NDArray[np.bool_]
    columns: Mapping[str, NDArray[np.float32]]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.index)

    def turns(self) -> NDArray[np.float32]:
        """Return the head's turns about x, y and z in radians, (R, 3)."""
        return np.column_stack([self.columns[name] for name in _TURNS])

    def usable(self) -> NDArray[np.bool_]:
        """Return which rows hold a face that OpenFace is sure of, (R,); all others hold junk."""
        finite = np.isfinite(np.column_stack(list(self.columns.values()))).all(axis=1)
        level = (np.abs(self.turns()) <= MAX_TURN_RAD).all(axis=1)
        kept: NDArray[np.bool_] = self.success & (self.confidence >= MIN_CONFIDENCE) & finite & level
        return kept


def read_recording(path: Path, frames: int, needed: Collection[str] = ()) -> Recording | None:
    """Read the CSV of a run; None where it wrote none.

    Args:
        path: The file.
        frames: How many frames the run was given.
        needed: Columns that were asked for, besides those without which no row means anything.

    Raises:
        AvemotionError: `ANALYZER_UNAVAILABLE` if this is no table of OpenFace.
    """
    if not path.is_file():
        return None
    limit = largest_bytes(frames)
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise AvemotionError(
            ErrorCode.ANALYZER_UNAVAILABLE, "OpenFace's table is far larger than the video can give."
        )
    return parse(content, frames, needed)


def parse(content: bytes, frames: int, needed: Collection[str] = ()) -> Recording:
    """Read the bytes of a CSV; a last row without an end, and rows that are none, are left out.

    Raises:
        AvemotionError: `ANALYZER_UNAVAILABLE` if a column is missing.
    """
    # What stands behind the last line break is the rest of a row that was being written.
    header, *lines = content.decode("utf-8-sig", errors="replace").split("\n")[:-1] or [""]
    names = [name.strip() for name in header.split(",")]
    missing = {*_NEEDED, *needed}.difference(names)
    if missing:
        raise AvemotionError(
            ErrorCode.ANALYZER_UNAVAILABLE,
            f"OpenFace's table lacks the column {min(missing)}: this build is none that is known here.",
        )
    present = [name for name in VALUE_COLUMNS if name in names]
    places = [names.index(name) for name in (*_HEAD, *present)]
    rows = [row for line in lines if (row := _numbers(line.split(","), len(names), places)) is not None]
    values = np.array(rows, dtype=np.float64).reshape(-1, len(places))
    values = values[_numbered(values[:, 0], frames)]
    # What is too large for a float32 becomes infinite, and so junk.
    with np.errstate(over="ignore"):
        columns = dict(zip(present, values[:, len(_HEAD) :].T.astype(np.float32), strict=True))
    return Recording(
        index=values[:, 0].astype(np.int64) - 1,
        confidence=np.clip(np.nan_to_num(values[:, 1]), 0, 1).astype(np.float32),
        success=values[:, 2] == 1,
        columns=columns,
    )


def _numbers(cells: list[str], count: int, places: list[int]) -> list[float] | None:
    """Return the wanted cells of a row; None if it is not whole."""
    if len(cells) != count:
        return None
    try:
        return [float(cells[place]) for place in places]
    except ValueError:
        return None


def _numbered(frame: NDArray[np.float64], frames: int) -> NDArray[np.bool_]:
    """Return which frame numbers are whole, from 1 to ``frames``, and not given before; (R,)."""
    inside: NDArray[np.bool_] = (frame >= 1) & (frame <= frames) & (frame == np.floor(frame))
    first = np.zeros(len(frame), dtype=bool)
    first[np.unique(frame, return_index=True)[1]] = True
    inside &= first
    return inside

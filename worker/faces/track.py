"""What an analyzer hands on: the table of a segment and the crops of its windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.errors import WarningCode
from worker.faces.table import FaceTable


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """One face, followed through a segment.

    Attributes:
        table: A row for each frame.
        crops: Aligned RGB faces of the kept frames, uint8 (K, S, S, 3); black where none was found.
        found: Whether each crop shows a face, bool (K,).
        most_faces: The most faces seen in one frame.
        warnings: What a reader of the result should know of how faces were seen.
    """

    table: FaceTable
    crops: NDArray[np.uint8]
    found: NDArray[np.bool_]
    most_faces: int
    warnings: tuple[WarningCode, ...] = ()

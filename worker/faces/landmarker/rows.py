"""What is kept of each frame, and the table that is made of it when all have been seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from worker.faces.landmarker.action_units import MOVEMENTS, action_units, movements
from worker.faces.landmarker.blendshapes import BLENDSHAPE_NAMES
from worker.faces.landmarker.gaze import EYE_POINTS, GAZE_COLUMNS, gaze
from worker.faces.landmarker.head_pose import POSE_COLUMNS, camera_matrix, head_pose
from worker.faces.landmarker.ibug import IBUG_POINTS
from worker.faces.landmarker.mesh import Mesh
from worker.faces.table import LANDMARK_COLUMNS, FaceTable

# One frame: landmarks as all x, then all y, in pixels; eyes as `gaze` takes them.
ROW_TYPE: Final = np.dtype(
    [
        ("landmarks", np.float32, len(LANDMARK_COLUMNS)),
        ("pose", np.float32, len(POSE_COLUMNS)),
        ("eyes", np.float32, (*EYE_POINTS.shape, 2)),
        ("blendshapes", np.float32, len(BLENDSHAPE_NAMES)),
        ("movements", np.float32, len(MOVEMENTS)),
    ]
)
Row: TypeAlias = NDArray[np.void]
# A frame without a face.
NULL_ROW: Final = np.full(ROW_TYPE.itemsize // 4, np.nan, np.float32).view(ROW_TYPE)[0]


def read_row(mesh: Mesh, blendshapes: NDArray[np.float32], height: int, width: int) -> Row:
    """Return what is kept of a face in a frame of this size.

    Args:
        mesh: The face.
        blendshapes: Its movements, (52,).
        height: Of the frame in pixels.
        width: Of the frame in pixels.
    """
    camera = camera_matrix(width, height)
    row = np.empty((), ROW_TYPE)
    row["landmarks"] = mesh.points[IBUG_POINTS].T.ravel()
    row["pose"] = head_pose(mesh.points, camera)
    row["eyes"] = (mesh.points[EYE_POINTS] - camera[:2, 2]) / camera[0, 0]
    row["blendshapes"] = blendshapes
    row["movements"] = movements(mesh)
    return row


def build_table(
    rows: Sequence[Row], confidence: Sequence[float], *, fps: float, first_frame: int
) -> FaceTable:
    """Build the table of a segment.

    Args:
        rows: One a frame, ``NULL_ROW`` where no face was found.
        confidence: For each frame, in [0, 1].
        fps: Rate of the frames.
        first_frame: Number of media frames before the segment.
    """
    seen = np.array(rows, dtype=ROW_TYPE)
    return FaceTable.from_columns(
        {
            **dict(zip(LANDMARK_COLUMNS, seen["landmarks"].T, strict=True)),
            **dict(zip(POSE_COLUMNS, seen["pose"].T, strict=True)),
            **dict(zip(GAZE_COLUMNS, gaze(seen["eyes"], seen["pose"]).T, strict=True)),
            **action_units(seen["blendshapes"], seen["movements"]),
        },
        fps=fps,
        first_frame=first_frame,
        confidence=confidence,
        success=~np.isnan(seen["landmarks"][:, 0]),
    )

"""The built-in face analyzer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import length_hint
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from shared.errors import WarningCode
from worker.faces.alignment import Framing
from worker.faces.analyzer import no_progress
from worker.faces.landmarker.action_units import MAPPING_VERSION, RELIABILITY
from worker.faces.landmarker.blendshapes import BlendshapeModel
from worker.faces.landmarker.bundle import read_bundle
from worker.faces.landmarker.crop import crop_face
from worker.faces.landmarker.detector import Detector
from worker.faces.landmarker.mesh import MeshModel
from worker.faces.landmarker.rows import NULL_ROW, Row, build_table, read_row
from worker.faces.landmarker.tracker import Tracker
from worker.faces.table import FaceTable
from worker.faces.track import FaceTrack

# Raised whenever the same frames could give other numbers.
_CODE_VERSION: Final = "3"
_MOST_ROLL_RAD: Final = 1.0


class Landmarker:
    """Google's Face Landmarker models on one core; see ``FaceAnalyzer`` for what it gives.

    Its interpreters do not survive a fork: load it in the process that uses it.
    """

    name: str = "landmarker"
    version: str = f"{_CODE_VERSION}.{MAPPING_VERSION}"
    reliability: Mapping[str, float] | None = RELIABILITY

    def __init__(self, detector: Detector, mesh: MeshModel, blendshapes: BlendshapeModel) -> None:
        """Use models that are already loaded."""
        self._detector = detector
        self._mesh = mesh
        self._blendshapes = blendshapes

    @classmethod
    def load(cls) -> Self:
        """Load the models shipped with the package.

        Raises:
            AvemotionError: The model file is missing or damaged.
        """
        bundle = read_bundle()
        return cls(
            Detector(bundle["face_detector.tflite"]),
            MeshModel(bundle["face_landmarks_detector.tflite"]),
            BlendshapeModel(bundle["face_blendshapes.tflite"]),
        )

    def analyze(  # noqa: PLR0913 - all but the frames are named
        self,
        frames: Iterable[NDArray[np.uint8]],
        *,
        fps: float,
        first_frame: int,
        keep: Sequence[int],
        crop_size: int,
        crop_zoom: float = 1.0,
        checkpoint: Callable[[], None],
        progress: Callable[[float], None] = no_progress,
    ) -> FaceTrack:
        """Follow one face through a segment; arguments and result as in ``FaceAnalyzer``."""
        tracker = Tracker(self._detector, self._mesh, fps)
        crop_of = {index: crop for crop, index in enumerate(keep)}
        framing = Framing(crop_size, crop_zoom)
        crops = np.zeros((len(keep), crop_size, crop_size, 3), dtype=np.uint8)
        found = np.zeros(len(keep), dtype=bool)
        count = length_hint(frames)
        rows: list[Row] = []
        confidence: list[float] = []
        for index, frame in enumerate(frames):
            checkpoint()
            face, face_confidence = tracker.follow(frame)
            confidence.append(face_confidence)
            if face is None:
                rows.append(NULL_ROW)
            else:
                rows.append(read_row(face, self._blendshapes.read(face.points), *frame.shape[:2]))
                if index in crop_of:
                    crops[crop_of[index]] = crop_face(frame, face.points, framing)
                    found[crop_of[index]] = True
            if count:
                progress(min(1, (index + 1) / count))
        table = build_table(rows, confidence, fps=fps, first_frame=first_frame)
        warnings = (WarningCode.LOW_FACE_QUALITY,) if is_sideways(table) else ()
        return FaceTrack(table, crops, found, tracker.most_faces, warnings)


def is_sideways(table: FaceTable) -> bool:
    """Tell whether the head lies on its side, or worse, in most frames: the picture was hardly meant so."""
    rolls = np.abs(table.column("pose_Rz"))[table.success]
    return bool(len(rolls) and np.nanmedian(rolls) > _MOST_ROLL_RAD)

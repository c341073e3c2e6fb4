"""The built-in face analyzer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from worker.faces.landmarker.action_units import MAPPING_VERSION, action_units
from worker.faces.landmarker.blendshapes import BLENDSHAPE_NAMES, BlendshapeModel
from worker.faces.landmarker.bundle import read_bundle
from worker.faces.landmarker.crop import crop_face
from worker.faces.landmarker.detector import Detector
from worker.faces.landmarker.head_pose import POSE_COLUMNS, camera_matrix, head_pose
from worker.faces.landmarker.ibug import IBUG_POINTS
from worker.faces.landmarker.mesh import Mesh, MeshModel
from worker.faces.landmarker.tracker import Tracker
from worker.faces.table import LANDMARK_COLUMNS, FaceTable
from worker.faces.track import FaceTrack

# Raised whenever the same frames could give other numbers.
_CODE_VERSION: Final = "1"
_ROW_LENGTH: Final = len(LANDMARK_COLUMNS) + len(POSE_COLUMNS) + len(BLENDSHAPE_NAMES)
_NULL_ROW: Final = np.full(_ROW_LENGTH, np.nan, dtype=np.float32)


class Landmarker:
    """Google's Face Landmarker models on one core; see ``FaceAnalyzer`` for what it gives.

    Its interpreters do not survive a fork: load it in the process that uses it.
    """

    name: str = "landmarker"
    version: str = f"{_CODE_VERSION}.{MAPPING_VERSION}"

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
        checkpoint: Callable[[], None],
    ) -> FaceTrack:
        """Follow one face through a segment; arguments and result as in ``FaceAnalyzer``."""
        tracker = Tracker(self._detector, self._mesh, fps)
        crop_of = {index: crop for crop, index in enumerate(keep)}
        crops = np.zeros((len(keep), crop_size, crop_size, 3), dtype=np.uint8)
        found = np.zeros(len(keep), dtype=bool)
        rows: list[NDArray[np.float32]] = []
        confidence: list[float] = []
        for index, frame in enumerate(frames):
            checkpoint()
            face, face_confidence = tracker.follow(frame)
            confidence.append(face_confidence)
            rows.append(_NULL_ROW if face is None else self._row(face, *frame.shape[:2]))
            if face is not None and index in crop_of:
                crops[crop_of[index]] = crop_face(frame, face.points, crop_size)
                found[crop_of[index]] = True
        return FaceTrack(build_table(rows, confidence, fps, first_frame), crops, found, tracker.most_faces)

    def _row(self, mesh: Mesh, height: int, width: int) -> NDArray[np.float32]:
        """Return what ``build_table`` needs of a face in a frame of this size."""
        landmarks = mesh.points[IBUG_POINTS].T.ravel()
        pose = head_pose(mesh.points, camera_matrix(width, height))
        return np.concatenate((landmarks, pose, self._blendshapes.read(mesh.points)), dtype=np.float32)


def build_table(
    rows: list[NDArray[np.float32]], confidence: list[float], fps: float, first_frame: int
) -> FaceTable:
    """Build the table of a segment.

    Args:
        rows: For each frame x and y of the landmarks, head pose and blendshapes, float32 (194,), or NaN.
        confidence: For each frame, in [0, 1].
        fps: Rate of the frames.
        first_frame: Number of media frames before the segment.
    """
    landmarks, poses, blendshapes = np.split(
        np.reshape(rows, (-1, _ROW_LENGTH)),
        (len(LANDMARK_COLUMNS), len(LANDMARK_COLUMNS) + len(POSE_COLUMNS)),
        axis=1,
    )
    return FaceTable.from_columns(
        {
            **dict(zip(LANDMARK_COLUMNS, landmarks.T, strict=True)),
            **dict(zip(POSE_COLUMNS, poses.T, strict=True)),
            **action_units(blendshapes),
        },
        fps=fps,
        first_frame=first_frame,
        confidence=confidence,
        success=~np.isnan(landmarks[:, 0]),
    )

"""The landmark model: 478 points of the face inside a region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.faces.landmarker.bundle import Network, sigmoid
from worker.faces.landmarker.region import Region, apply, region_around, warp
from worker.faces.landmarker.slopes import repeat_slopes

POINT_COUNT: Final = 478
_INPUT_SIDE: Final = 256
# Outer corners of the eyes; the first is on the left of an upright picture.
_OUTER_CORNERS: Final = (33, 263)


@dataclass(frozen=True, eq=False)
class Mesh:
    """A face.

    Attributes:
        points: Landmarks in frame pixels, float32 (478, 2); the last ten are the irises.
        depth: How far each lies behind the middle of the head, in the same unit, float32 (478,).
        presence: How sure the model is that this is a face, in [0, 1].
    """

    points: NDArray[np.float32]
    depth: NDArray[np.float32]
    presence: float

    def region(self) -> Region:
        """Return where to look for the face in the next frame."""
        left_eye, right_eye = self.points[list(_OUTER_CORNERS)]
        return region_around(self.points, left_eye, right_eye)


class MeshModel:
    """Finds the landmarks of one face."""

    def __init__(self, model: bytes) -> None:
        """Load the model ``face_landmarks_detector.tflite``."""
        self._network = Network(repeat_slopes(model))

    def read(self, frame: NDArray[np.uint8], region: Region) -> Mesh:
        """Return the face that fills ``region`` of an RGB frame (H, W, 3), if there is one."""
        to_frame = region.to_frame(_INPUT_SIDE)
        # OpenCV turns pictures of four channels in half the time of three, to the same bytes.
        padded = cv2.cvtColor(frame, cv2.COLOR_RGB2RGBA).astype(np.uint8, copy=False)
        picture = cv2.cvtColor(warp(padded, to_frame, _INPUT_SIDE, cv2.BORDER_REPLICATE), cv2.COLOR_RGBA2RGB)
        outputs = self._network.run(picture[None].astype(np.float32) * np.float32(1 / 255))
        points = outputs["Identity"].reshape(POINT_COUNT, 3)
        depth = points[:, 2] * np.float32(region.side / _INPUT_SIDE)
        return Mesh(apply(to_frame, points[:, :2]), depth, sigmoid(outputs["Identity_1"]).item())

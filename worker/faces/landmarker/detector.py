"""The short-range face detector: where faces are, for a start and for counting them.

An SSD detector (Bazarevsky et al., "BlazeFace", 2019). For each of its 896 anchors it gives a score, a
box and six keypoints as offsets, in pixels of its 128 x 128 input, from the anchor's centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.faces.landmarker.bundle import Network, sigmoid
from worker.faces.landmarker.region import Region, apply, region_around, warp

_INPUT_SIDE: Final = 128
# Cells a side and anchors a cell of the two grids (strides 8 and 16).
_GRIDS: Final = ((16, 2), (8, 6))
_MIN_SCORE: Final = 0.5
_SAME_FACE_OVERLAP: Final = 0.3
# Sides of the frame for a side of a closer view, and sides of the wide view for one of the frame.
_ZOOM: Final = 2
_WIDE: Final = 1.35


@dataclass(frozen=True, eq=False)
class Detection:
    """A face somewhere in the frame.

    Attributes:
        box: Left, top, right and bottom in pixels, float32 (4,).
        keypoints: Eyes (left in the picture first), nose, mouth and ears in pixels, float32 (6, 2).
        score: How sure the detector is, in [0, 1].
    """

    box: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    score: float

    @property
    def area(self) -> float:
        """Area of the box in pixels."""
        width, height = self.box[2:] - self.box[:2]
        return float(width * height)

    def region(self) -> Region:
        """Return where to look for landmarks."""
        left, top, right, bottom = self.box
        corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]])
        return region_around(corners, self.keypoints[0], self.keypoints[1])


class Detector:
    """Finds the faces of one frame."""

    def __init__(self, model: bytes) -> None:
        """Load the model ``face_detector.tflite``."""
        self._network = Network(model)
        self._anchors = anchor_centres() * _INPUT_SIDE

    def detect(self, frame: NDArray[np.uint8], views: Sequence[Region]) -> list[Detection]:
        """Return the faces that can be seen in some views of an RGB frame (H, W, 3), the largest first."""
        seen = [self._look(frame, view) for view in views]
        boxes, keypoints, scores = (np.concatenate(parts) for parts in zip(*seen, strict=True))
        return sorted(merge(boxes, keypoints, scores), key=lambda detection: -detection.area)

    def _look(self, frame: NDArray[np.uint8], view: Region) -> tuple[NDArray[np.float32], ...]:
        """Return the boxes (N, 4), keypoints (N, 6, 2) and scores (N,) of the anchors that see a face."""
        to_frame = view.to_frame(_INPUT_SIDE)
        picture = warp(frame, to_frame, _INPUT_SIDE, cv2.BORDER_CONSTANT)
        outputs = self._network.run(picture[None].astype(np.float32) / 127.5 - 1)
        scores = sigmoid(outputs["classificators"][0, :, 0])
        likely = scores >= _MIN_SCORE
        # Rows of x, y: centre and size of the box, then the keypoints.
        points = outputs["regressors"][0, likely].reshape(-1, 8, 2)
        anchors = self._anchors[likely, None]
        centre, half = points[:, :1] + anchors, points[:, 1:2] / 2
        corners = np.concatenate((centre - half, centre + half), axis=1)
        return (
            apply(to_frame, corners).reshape(-1, 4),
            apply(to_frame, points[:, 2:] + anchors),
            scores[likely],
        )


def whole_view(height: int, width: int) -> Region:
    """Return the square around all of a frame."""
    return Region(width / 2, height / 2, max(height, width), 0)


def closer_views(height: int, width: int) -> list[Region]:
    """Return squares that show what the whole view does not: small faces, and one larger than the frame."""
    longest = max(height, width)
    side = longest / _ZOOM
    # Half of each view is shared with the next, so that each face is whole in one of them.
    columns, rows = (max(1, ceil(2 * length / side) - 1) for length in (width, height))
    xs = np.linspace(side / 2, width - side / 2, columns) if columns > 1 else [width / 2]
    ys = np.linspace(side / 2, height - side / 2, rows) if rows > 1 else [height / 2]
    tiles = [Region(float(x), float(y), side, 0) for y in ys for x in xs]
    return [Region(width / 2, height / 2, longest * _WIDE, 0), *tiles]


def anchor_centres() -> NDArray[np.float32]:
    """Return the anchors' centres as x, y in [0, 1], float32 (896, 2)."""
    grids = []
    for cells, repeats in _GRIDS:
        ticks = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        x, y = np.meshgrid(ticks, ticks)
        grids.append(np.repeat(np.stack((x.ravel(), y.ravel()), axis=1), repeats, axis=0))
    return np.concatenate(grids)


def merge(
    boxes: NDArray[np.float32], keypoints: NDArray[np.float32], scores: NDArray[np.float32]
) -> list[Detection]:
    """Make one detection of all that overlap: their mean, weighted by score.

    Args:
        boxes: Left, top, right, bottom, (N, 4).
        keypoints: Shape (N, 6, 2).
        scores: Shape (N,).
    """
    detections = []
    rest = np.argsort(-scores)
    while rest.size:
        same = overlap(boxes[rest[0]], boxes[rest]) >= _SAME_FACE_OVERLAP
        same[0] = True
        group, rest = rest[same], rest[~same]
        weights = scores[group] / scores[group].sum()
        detections.append(
            Detection(
                box=np.tensordot(weights, boxes[group], 1),
                keypoints=np.tensordot(weights, keypoints[group], 1),
                score=float(scores[group[0]]),
            )
        )
    return detections


def overlap(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the intersection over union of one box (4,) with each of several (N, 4)."""
    size = np.maximum(np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2]), 0)
    shared = size[:, 0] * size[:, 1]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    union = np.maximum(area + areas - shared, np.finfo(np.float32).tiny)
    ratio: NDArray[np.float32] = shared / union
    return ratio

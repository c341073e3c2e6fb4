"""One frame with its row drawn on it: box, landmarks, axes of the head, gaze, bars of action units."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.faces.landmarker.head_pose import camera_matrix, rotations
from worker.faces.table import INTENSITY_UNITS, LANDMARK_COLUMNS, FaceTable

# Smaller pictures are enlarged, so that the bars beside them can be read.
LEAST_HEIGHT_PX: Final = 480
PANEL_PX: Final = 190
AXIS_MM: Final = 80.0
MAX_INTENSITY: Final = 5.0
EYES: Final = (slice(36, 42), slice(42, 48))
GREEN, WHITE, GREY, ORANGE = (80, 220, 120), (240, 240, 240), (130, 130, 130), (255, 170, 40)
# Across, down and out of the face.
AXIS_COLORS: Final = ((235, 80, 80), (90, 200, 90), (90, 140, 255))
FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


def draw(frame: NDArray[np.uint8], table: FaceTable, index: int) -> NDArray[np.uint8]:
    """Return a picture with even sides: the frame, drawn on, and a panel of bars on its right.

    Args:
        frame: RGB, (H, W, 3).
        table: Whose landmarks are in the frame's pixels.
        index: Row of the frame.
    """
    height, width = frame.shape[:2]
    scale = max(1.0, LEAST_HEIGHT_PX / height)
    size = (_even(width * scale), _even(height * scale))
    picture = cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
    if table.success[index]:
        points = np.stack(
            (
                [table.column(name)[index] for name in LANDMARK_COLUMNS[:68]],
                [table.column(name)[index] for name in LANDMARK_COLUMNS[68:]],
            ),
            axis=1,
        )
        _draw_face(picture, points * scale)
        _draw_axes(picture, table, index, camera_matrix(width, height), scale)
        _draw_gaze(picture, points * scale, table, index)
    else:
        cv2.putText(picture, "no usable face", (12, 28), FONT, 0.7, ORANGE, 2, cv2.LINE_AA)
    canvas = np.zeros((size[1], size[0] + PANEL_PX, 3), np.uint8)
    canvas[:, : size[0]] = picture
    _draw_bars(canvas[:, size[0] :], table, index)
    return canvas


def _draw_face(picture: NDArray[np.uint8], points: NDArray[np.floating]) -> None:
    if not np.isfinite(points).all():
        return
    low, high = points.min(axis=0), points.max(axis=0)
    cv2.rectangle(picture, _pixel(low), _pixel(high), WHITE, 1, cv2.LINE_AA)
    for point in points:
        cv2.circle(picture, _pixel(point), 2, GREEN, -1, cv2.LINE_AA)


def _draw_axes(
    picture: NDArray[np.uint8], table: FaceTable, index: int, camera: NDArray[np.float64], scale: float
) -> None:
    position, turn = (
        np.array([table.column(f"pose_{kind}{axis}")[index] for axis in "xyz"], np.float64) for kind in "TR"
    )
    if not (np.isfinite(position).all() and np.isfinite(turn).all()) or position[2] <= AXIS_MM:
        return
    ends = position + AXIS_MM * (rotations(turn[None])[0] * (1, 1, -1)).T
    start, *tips = (scale * (camera @ point)[:2] / point[2] for point in (position, *ends))
    for tip, color in zip(tips, AXIS_COLORS, strict=True):
        cv2.line(picture, _pixel(start), _pixel(tip), color, 3, cv2.LINE_AA)


def _draw_gaze(
    picture: NDArray[np.uint8], points: NDArray[np.floating], table: FaceTable, index: int
) -> None:
    for eye, part in enumerate(EYES):
        x, y = (table.column(f"gaze_{eye}_{axis}")[index] for axis in "xy")
        start = points[part].mean(axis=0)
        if np.isfinite([x, y, *start]).all():
            length = 1.5 * np.linalg.norm(points[45] - points[36])
            end = start + length * np.array([x, y])
            cv2.arrowedLine(picture, _pixel(start), _pixel(end), ORANGE, 2, cv2.LINE_AA, tipLength=0.2)


def _draw_bars(panel: NDArray[np.uint8], table: FaceTable, index: int) -> None:
    """Draw the intensity of each action unit; a dash where it is not known."""
    step = panel.shape[0] / (len(INTENSITY_UNITS) + 1)
    left, right = 62, PANEL_PX - 12
    for row, unit in enumerate(INTENSITY_UNITS):
        y = round((row + 0.5) * step)
        value = table.column(f"{unit}_r")[index]
        known = bool(np.isfinite(value))
        cv2.putText(panel, unit, (8, y + 5), FONT, 0.45, WHITE if known else GREY, 1, cv2.LINE_AA)
        if known:
            end = left + round((right - left) * min(1.0, float(value) / MAX_INTENSITY))
            cv2.rectangle(panel, (left, y - 6), (right, y + 6), (50, 50, 50), -1)
            cv2.rectangle(panel, (left, y - 6), (end, y + 6), GREEN, -1)
        else:
            cv2.line(panel, (left, y), (left + 8, y), GREY, 1)
    moment = f"{table.timestamp[index]:.2f} s"
    cv2.putText(panel, moment, (8, panel.shape[0] - 8), FONT, 0.45, WHITE, 1, cv2.LINE_AA)


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))


def _pixel(point: NDArray[np.floating]) -> tuple[int, int]:
    # OpenCV takes no more than 16 bits; a wild row must not stop the video.
    x, y = np.clip(np.nan_to_num(point), -30_000, 30_000)
    return round(float(x)), round(float(y))

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from worker.faces.landmarker.gaze import EYE_POINTS, GAZE_COLUMNS, gaze
from worker.faces.landmarker.head_pose import model_point
from worker.faces.track import FaceTrack

# From an eye to the camera and to other places, in the camera's axes.
AHEAD = (0.0, 0.0, -1.0)
POSITION_MM = (20.0, -30.0, 500.0)
# Radius of the human eye, and where the middle of each lies from its corners' middle.
RADIUS_MM, OFFSET_MM = 12.0, np.array(((-1.8, -2.3, 6.0), (1.8, -2.3, 6.0)))


def seen(
    direction: tuple[float, float, float], turn: tuple[float, float, float] = (0, 0, 0)
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eyes (1, 2, 3, 2) of a head turned by ``turn`` that look in ``direction``, and its pose (1, 6)."""
    rotation = cv2.Rodrigues(np.zeros(3))[0]
    for axis, angle in zip(np.eye(3), turn, strict=True):
        rotation = rotation @ cv2.Rodrigues(axis * angle)[0]
    look = np.array(direction) / np.linalg.norm(direction)
    points = np.empty((2, 3, 3))
    for eye, (outer, inner, _) in enumerate(EYE_POINTS):
        corners = np.stack((model_point(outer), model_point(inner))) @ rotation.T + POSITION_MM
        middle = corners.mean(axis=0) + rotation @ OFFSET_MM[eye]
        points[eye] = (*corners, middle + RADIUS_MM * look)
    return (points[..., :2] / points[..., 2:])[None], np.array([[*POSITION_MM, *turn]])


def angle_between(one: NDArray[np.float64], other: tuple[float, float, float]) -> float:
    return float(np.degrees(np.arccos(one @ np.array(other) / np.linalg.norm(other))))


@pytest.mark.parametrize("turn", [(0, 0, 0), (0.2, -0.4, 0.1), (-0.3, 0.5, -0.6)])
@pytest.mark.parametrize("direction", [AHEAD, (0.3, 0, -1), (-0.3, 0, -1), (0, 0.3, -1), (0.2, -0.3, -1)])
def test_gaze_is_where_the_eyes_were_turned(
    direction: tuple[float, float, float], turn: tuple[float, float, float]
) -> None:
    """Eyes that look in a known direction, in a head turned otherwise, are read to one degree."""
    row = gaze(*seen(direction, turn))[0]

    assert angle_between(row[:3], direction) < 1
    assert angle_between(row[3:6], direction) < 1
    x, y, z = direction
    np.testing.assert_allclose(row[6:], (np.arctan2(x, -z), np.arctan2(y, -z)), atol=0.02)


@pytest.mark.parametrize(
    ("shift", "column", "sign"),
    [((0.003, 0), 6, 1), ((-0.003, 0), 6, -1), ((0, 0.003), 7, 1), ((0, -0.003), 7, -1)],
)
def test_gaze_follows_the_iris(shift: tuple[float, float], column: int, sign: int) -> None:
    """Irises 1.5 mm to any side turn the gaze there by about 7 degrees, and only there."""
    eyes, pose = seen(AHEAD)
    before = gaze(eyes, pose)[0]
    eyes[:, :, 2] += shift

    change = np.degrees(gaze(eyes, pose)[0] - before)

    assert 6 < sign * change[column] < 9
    assert abs(change[13 - column]) < 0.5


def test_gaze_into_the_camera_is_along_minus_z() -> None:
    """Eyes that look ahead have unit vectors towards the camera: z is -1."""
    row = gaze(*seen(AHEAD))[0]

    np.testing.assert_allclose(row[:6].reshape(2, 3), np.broadcast_to(AHEAD, (2, 3)), atol=1e-2)
    np.testing.assert_allclose(np.linalg.norm(row[:6].reshape(2, 3), axis=1), 1)


def test_an_iris_beside_the_eye_still_gives_a_unit_vector() -> None:
    """An iris further out than an eye can turn is taken as turned as far as it goes."""
    eyes, pose = seen(AHEAD)
    eyes[:, :, 2, 0] += 0.1

    row = gaze(eyes, pose)[0]

    np.testing.assert_allclose(np.linalg.norm(row[:6].reshape(2, 3), axis=1), 1)
    assert np.degrees(row[6]) == pytest.approx(90, abs=15)


def test_gaze_of_a_frame_without_a_face_is_null() -> None:
    """A row of NaN stays NaN, and its neighbours do not change."""
    eyes, pose = seen(AHEAD)
    two_eyes = np.concatenate((np.full_like(eyes, np.nan), eyes))
    two_poses = np.concatenate((np.full_like(pose, np.nan), pose))

    rows = gaze(two_eyes, two_poses)

    assert np.isnan(rows[0]).all()
    np.testing.assert_array_equal(rows[1], gaze(eyes, pose)[0])


def test_gaze_is_of_unit_length_and_towards_the_camera(talking: FaceTrack) -> None:
    """Both eyes have unit vectors into the half space of the camera, and look the same way."""
    vectors = np.stack([talking.table.column(name) for name in GAZE_COLUMNS[:6]], axis=1).reshape(-1, 2, 3)

    np.testing.assert_allclose(np.linalg.norm(vectors, axis=2), 1, atol=1e-5)
    assert vectors[..., 2].max() < -0.5
    assert (vectors[:, 0] * vectors[:, 1]).sum(axis=1).min() > np.cos(0.4)

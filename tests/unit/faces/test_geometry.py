from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from worker.faces.alignment import Framing, similarity
from worker.faces.landmarker.crop import crop_face
from worker.faces.landmarker.detector import anchor_centres, closer_views, merge
from worker.faces.landmarker.head_pose import (
    _MESH_POINTS,
    _MODEL_MM,
    camera_matrix,
    euler_angles,
    head_pose,
    model_point,
    rotations,
)
from worker.faces.landmarker.region import Region, apply, region_around

LEVEL_EYES = np.array([[40, 50], [80, 50]], dtype=np.float32)


def turned(points: NDArray[np.floating], angle: float) -> NDArray[np.float32]:
    """Turn points about the frame's corner, clockwise as seen."""
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]], dtype=np.float32)
    return points.astype(np.float32) @ turn


def test_region_s_corners_lie_where_its_turn_takes_them() -> None:
    """A region turned by 90 degrees has its top left corner at the frame's top right."""
    region = Region(x=100, y=60, side=40, angle=np.pi / 2)
    corners = np.array([[0, 0], [256, 0], [128, 128]], dtype=np.float32)

    points = apply(region.to_frame(256), corners)

    np.testing.assert_allclose(points, [[120, 40], [120, 80], [100, 60]], atol=1e-4)


@given(angle=st.floats(-3.1, 3.1))
def test_region_turns_with_the_face(angle: float) -> None:
    """Around a turned face lies the same region, turned: the face looks upright in it."""
    face = np.array([[30, 20], [90, 20], [30, 100], [90, 100]], dtype=np.float32)
    level = region_around(face, *LEVEL_EYES)

    region = region_around(turned(face, angle), *turned(LEVEL_EYES, angle))

    assert level == Region(60, 60, 120, 0)
    assert region.angle == pytest.approx(angle, abs=1e-4)
    assert region.side == pytest.approx(120, abs=1e-2)
    centre = turned(np.array([[60, 60]]), angle)[0]
    np.testing.assert_allclose([region.x, region.y], centre, atol=1e-2)


def test_anchors_fill_both_grids() -> None:
    """The 896 anchors are two a cell of a 16 x 16 grid, then six a cell of an 8 x 8 grid, row by row."""
    anchors = anchor_centres()

    assert anchors.shape == (896, 2)
    np.testing.assert_allclose(anchors[[0, 1, 2, 32]] * 32, [[1, 1], [1, 1], [3, 1], [1, 3]])
    np.testing.assert_allclose(anchors[[512, 517, 518, 895]] * 16, [[1, 1], [1, 1], [3, 1], [15, 15]])


def test_overlapping_detections_become_their_mean() -> None:
    """Boxes that overlap are one face, weighted by score; a box apart is another."""
    boxes = np.array([[0, 0, 10, 10], [50, 50, 60, 60], [2, 0, 12, 10]], dtype=np.float32)
    keypoints = np.zeros((3, 6, 2), dtype=np.float32)

    faces = merge(boxes, keypoints, np.array([0.9, 0.8, 0.6], dtype=np.float32))

    assert [face.score for face in faces] == pytest.approx([0.9, 0.8])
    np.testing.assert_allclose(faces[0].box, [0.8, 0, 10.8, 10], rtol=1e-5)
    np.testing.assert_allclose(faces[1].box, boxes[1])


@given(
    height=st.integers(36, 720),
    width=st.integers(36, 720),
    place=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_each_small_face_is_whole_in_a_closer_view(
    height: int, width: int, place: tuple[float, float]
) -> None:
    """Wherever a face of an eighth of the longer side lies in a frame, one closer view holds all of it."""
    wide, *tiles = closer_views(height, width)
    side = min(max(height, width) / 8, height, width)
    left, top = place[0] * (width - side), place[1] * (height - side)

    assert wide.side > max(height, width)
    assert any(
        tile.x - tile.side / 2 <= left + 1e-6
        and left + side <= tile.x + tile.side / 2 + 1e-6
        and tile.y - tile.side / 2 <= top + 1e-6
        and top + side <= tile.y + tile.side / 2 + 1e-6
        for tile in tiles
    )


def test_similarity_finds_the_turn_scale_and_shift() -> None:
    """Points that were turned, scaled and shifted are taken back exactly."""
    target = np.array([[80.0, 90], [140, 90], [110, 150]])
    source = turned(target, 0.7).astype(np.float64) * 3 + (500, -20)

    matrix = similarity(source, target)

    np.testing.assert_allclose(source @ matrix[:, :2].T + matrix[:, 2], target, atol=1e-3)


def test_crop_over_the_border_is_black_beyond_it() -> None:
    """A face half outside the frame is cropped at its full size; what was never seen is black."""
    frame = np.full((100, 100, 3), 255, dtype=np.uint8)
    points = np.zeros((478, 2), dtype=np.float32)
    # Given: a face whose middle lies on the left border.
    points[[33, 133]], points[[362, 263]], points[[61, 291]] = (-20, 40), (20, 40), (0, 85)

    crop = crop_face(frame, points, Framing(224))

    assert crop.shape == (224, 224, 3)
    assert crop[112, :108].max() == 0
    assert crop[112, 116:].min() == 255


def test_a_zoomed_crop_shows_the_middle_of_the_usual_one_larger() -> None:
    """At a zoom of 2 the crop is the inner half of the usual crop."""
    frame = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8), (0, 0), 6)
    points = np.zeros((478, 2), dtype=np.float32)
    points[[33, 133]], points[[362, 263]], points[[61, 291]] = (120, 120), (180, 120), (150, 187)

    usual = crop_face(frame, points, Framing(224))
    zoomed = crop_face(frame, points, Framing(224, zoom=2))

    inner = cv2.resize(usual[56:168, 56:168], (224, 224))
    assert np.abs(zoomed.astype(int) - inner)[8:-8, 8:-8].mean() < 1


@pytest.mark.parametrize("angles", [(0, 0, 0), (0.3, -0.5, 0.2), (-0.4, 0.7, -0.9)])
def test_head_pose_finds_the_turn_that_made_the_picture(angles: tuple[float, float, float]) -> None:
    """Points of the model, turned by Rx @ Ry @ Rz and seen by the camera, give turn and place back."""
    x, y, z = (cv2.Rodrigues(axis * angle)[0] for axis, angle in zip(np.eye(3), angles, strict=True))
    position_mm = np.array([-30.0, 20, 600])
    camera = camera_matrix(640, 360)
    seen = (_MODEL_MM @ (x @ y @ z).T + position_mm) @ camera.T
    points = np.zeros((478, 2), dtype=np.float32)
    points[_MESH_POINTS] = seen[:, :2] / seen[:, 2:]

    pose = head_pose(points, camera)

    np.testing.assert_allclose(pose[:3], position_mm, atol=0.1)
    np.testing.assert_allclose(pose[3:], angles, atol=1e-3)


@pytest.mark.parametrize(
    ("angles", "moved"),
    [((0.2, 0, 0), (0, 1)), ((0, 0.2, 0), (-1, 0)), ((-0.2, 0, 0), (0, -1)), ((0, -0.2, 0), (1, 0))],
)
def test_turns_have_openface_s_signs(angles: tuple[float, float, float], moved: tuple[int, int]) -> None:
    """A positive turn about x nods the bridge of the nose down, one about y turns it left in the picture."""
    bridge, corners = model_point(6), (model_point(33) + model_point(263)) / 2

    shift = (rotations(np.array([angles]))[0] @ (bridge - corners) - (bridge - corners))[:2]

    np.testing.assert_array_equal(np.sign(np.round(shift)), moved)


def test_a_clockwise_turn_is_a_positive_one_about_z() -> None:
    """With a positive turn about z the corner of the eye on the right sinks."""
    assert (rotations(np.array([(0, 0, 0.2)]))[0] @ model_point(263))[1] > model_point(263)[1]


def test_head_pose_of_no_shape_is_null() -> None:
    """Points that all coincide have no pose: NaN, no exception."""
    assert np.isnan(head_pose(np.ones((478, 2), dtype=np.float32), camera_matrix(640, 360))).all()


@given(angles=st.tuples(*[st.floats(-1.4, 1.4)] * 3))
def test_angles_and_rotations_are_each_other_s_inverse(angles: tuple[float, float, float]) -> None:
    """The angles of the rotation that angles make are these angles."""
    np.testing.assert_allclose(euler_angles(rotations(np.array([angles]))[0]), angles, atol=1e-6)

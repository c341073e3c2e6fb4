from __future__ import annotations

import json
import warnings
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from worker.faces.shape import face_shape


def landmarks(seed: int = 0) -> NDArray[np.float32]:
    """Return the 68 landmarks of something like a face, all x and then all y, (136,)."""
    points = np.random.default_rng(seed).uniform(100, 200, (68, 2))
    points[[36, 39]], points[[42, 45]], points[[48, 54]] = (120, 120), (180, 122), (150, 190)
    return points.T.ravel().astype(np.float32)


def test_place_size_and_turn_do_not_matter() -> None:
    """A face elsewhere in the picture, larger and turned has the same shape."""
    points = landmarks()
    complex_points = (points[:68] + 1j * points[68:]) * 2.5 * np.exp(0.6j) + (40 - 300j)
    moved = np.concatenate((complex_points.real, complex_points.imag)).astype(np.float32)

    np.testing.assert_allclose(*face_shape(np.stack((points, moved))), atol=1e-4)


def test_a_mean_face_has_no_shape_of_its_own() -> None:
    """The mean face, anywhere in a picture, differs from itself by nothing."""
    text = files("worker.faces").joinpath("mean_shape.json").read_text(encoding="utf-8")
    points = 60 * np.array(json.loads(text)["points"]) + (200, 150)

    assert np.abs(face_shape(points.T.reshape(1, -1).astype(np.float32))).max() < 0.01


def test_an_open_mouth_has_another_shape() -> None:
    """What moves in the face is kept."""
    opened = landmarks()
    opened[68 + 57] += 15

    assert np.abs(face_shape(opened[None]) - face_shape(landmarks()[None])).max() > 0.1


def test_a_frame_without_a_face_has_none() -> None:
    """Rows of NaN stay NaN, quietly."""
    rows = np.stack((landmarks(), np.full(136, np.nan, np.float32)))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shape = face_shape(rows)

    assert np.isfinite(shape[0]).all()
    assert np.isnan(shape[1]).all()

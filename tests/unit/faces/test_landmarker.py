from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.errors import WarningCode
from tests.unit.faces.clips import Frames, carphone, empty, scaled, shared_clip
from worker.faces.analyzer import FaceAnalyzer
from worker.faces.landmarker import Landmarker
from worker.faces.landmarker.action_units import ACTION_UNITS
from worker.faces.landmarker.gaze import GAZE_COLUMNS
from worker.faces.landmarker.head_pose import POSE_COLUMNS
from worker.faces.table import LANDMARK_COLUMNS, VALUE_COLUMNS, FaceTable
from worker.faces.track import FaceTrack


def analyze(
    analyzer: FaceAnalyzer,
    frames: Frames | list[Frames],
    *,
    keep: Sequence[int] = (),
    checkpoint: Callable[[], None] = lambda: None,
) -> FaceTrack:
    return analyzer.analyze(frames, fps=25, first_frame=0, keep=keep, crop_size=224, checkpoint=checkpoint)


def distance(table: FaceTable, one: int, other: int) -> NDArray[np.float32]:
    """Distance of two of the 68 landmarks in each frame, in pixels."""
    x = table.column(f"x_{one}") - table.column(f"x_{other}")
    y = table.column(f"y_{one}") - table.column(f"y_{other}")
    return np.sqrt(x**2 + y**2)


def correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def test_a_face_that_is_always_there_is_found_in_each_frame(talking: FaceTrack) -> None:
    """A man who talks in a small, shaking picture has a usable row in all 120 frames."""
    assert len(talking.table) == 120
    assert talking.table.success.all()
    assert talking.table.confidence.min() > 0.9
    assert talking.found.all()
    assert talking.most_faces == 1
    assert talking.warnings == ()


def test_rows_hold_what_can_be_seen_and_null_for_the_rest(talking: FaceTrack) -> None:
    """Landmarks, head pose, gaze and twelve action units have values; all other columns are null."""
    given = {*LANDMARK_COLUMNS, *POSE_COLUMNS, *GAZE_COLUMNS, *ACTION_UNITS}

    for name in VALUE_COLUMNS:
        assert np.isnan(talking.table.column(name)).all() == (name not in given), name


def test_landmarks_lie_as_the_ibug_scheme_has_them(talking: FaceTrack) -> None:
    """Brows, eyes, nose, mouth and chin come from top to bottom; the jaw runs from left to right."""
    table = talking.table

    heights = [table.column(f"y_{point}") for point in (19, 37, 33, 51, 57, 8)]
    across = [table.column(f"x_{point}") for point in (0, 36, 39, 27, 42, 45, 16)]

    assert all((upper < lower).all() for upper, lower in pairwise(heights))
    assert all((left < right).all() for left, right in pairwise(across))


def test_action_units_follow_the_landmarks(talking: FaceTrack) -> None:
    """AU25 and AU26 go with the distance of the lips, AU45 against that of the lids."""
    table = talking.table
    eyes = distance(table, 36, 45)

    lips_apart = distance(table, 62, 66) / eyes
    lids_apart = (distance(table, 37, 41) + distance(table, 44, 46)) / eyes

    assert correlation(table.column("AU25_r"), lips_apart) > 0.9
    assert correlation(table.column("AU26_r"), lips_apart) > 0.9
    assert correlation(table.column("AU45_r"), lids_apart) < -0.85


def test_in_a_mirror_the_face_is_turned_and_looks_the_other_way(landmarker: Landmarker) -> None:
    """Yaw, roll and gaze to the side change their sign in a mirrored picture; pitch and gaze down do not."""
    frame = carphone()[0]

    seen, mirrored = (analyze(landmarker, [picture]).table for picture in (frame, frame[:, ::-1]))

    for name in ("pose_Ry", "pose_Rz", "gaze_angle_x"):
        np.testing.assert_allclose(mirrored.column(name), -seen.column(name), atol=0.08)
    for name in ("pose_Rx", "gaze_angle_y"):
        np.testing.assert_allclose(mirrored.column(name), seen.column(name), atol=0.08)


def test_progress_is_told_where_the_number_of_frames_is_known(landmarker: Landmarker) -> None:
    """An array of frames is done by shares up to 1; a generator, whose end is not known, tells nothing."""
    shares: list[float] = []

    for frames in (carphone()[:4], (frame for frame in carphone()[:4])):
        landmarker.analyze(
            frames,
            fps=25,
            first_frame=0,
            keep=[],
            crop_size=8,
            checkpoint=lambda: None,
            progress=shares.append,
        )

    assert shares == [0.25, 0.5, 0.75, 1]


def test_crops_show_the_face_at_one_place_and_size(talking: FaceTrack, landmarker: Landmarker) -> None:
    """Seen again in its crops, the face has its eyes level at one place and its whole outline inside."""
    crops = [
        landmarker.analyze([crop], fps=25, first_frame=0, keep=[], crop_size=8, checkpoint=lambda: None).table
        for crop in talking.crops
    ]
    seen = FaceTable.concatenate(crops)

    assert talking.crops.shape == (12, 224, 224, 3)
    eyes = (seen.column("x_36") + seen.column("x_45")) / 2, (seen.column("y_36") + seen.column("y_45")) / 2
    np.testing.assert_allclose(eyes, np.broadcast_to([[112], [94]], (2, 12)), atol=9)
    np.testing.assert_allclose(seen.column("pose_Rz"), 0, atol=0.12)
    for name in LANDMARK_COLUMNS:
        assert 0 < seen.column(name).min() <= seen.column(name).max() < 224, name


def test_a_turned_head_keeps_its_face(landmarker: Landmarker) -> None:
    """A picture turned by a quarter gives the same face, with a head turned by a quarter, and a warning."""
    upright = analyze(landmarker, carphone()[:1]).table
    turned = analyze(landmarker, [np.rot90(carphone()[0], k=-1)], keep=[0])

    assert turned.found.all()
    turn = turned.table.column("pose_Rz") - upright.column("pose_Rz")
    np.testing.assert_allclose(turn, np.pi / 2, atol=0.1)
    assert turned.warnings == (WarningCode.LOW_FACE_QUALITY,)


def test_blank_frames_have_null_rows(landmarker: Landmarker) -> None:
    """Black, grey and noise give no face, no crop and no value, and no exception."""
    noise = np.random.default_rng(0).integers(0, 256, (5, 144, 176, 3), dtype=np.uint8)
    frames = np.concatenate((np.zeros_like(noise), empty(5), noise))

    track = analyze(landmarker, frames, keep=[0, 7, 14])

    assert not track.found.any()
    assert not track.crops.any()
    assert not track.table.success.any()
    assert np.isnan(track.table.values).all()
    assert track.table.confidence.max() < 0.5
    assert track.most_faces == 0


@pytest.mark.parametrize("shape", [(1, 1), (36, 64), (2, 300), (300, 2)])
def test_any_shape_of_frame_is_survived(landmarker: Landmarker, shape: tuple[int, int]) -> None:
    """Frames of a few pixels, or of one row, give null rows."""
    track = analyze(landmarker, np.full((2, *shape, 3), 90, dtype=np.uint8), keep=[0])

    assert not track.table.success.any()


def test_no_frames_give_no_rows(landmarker: Landmarker) -> None:
    """A segment without frames gives an empty table, and black crops for what was to be kept."""
    track = analyze(landmarker, [], keep=[0, 5])

    assert len(track.table) == 0
    assert track.crops.shape == (2, 224, 224, 3)
    assert not track.found.any()


def test_frames_may_be_read_only(landmarker: Landmarker) -> None:
    """Frames that lie in a pipe's bytes, which cannot be written to, are analysed all the same."""
    frame = carphone()[0]
    read_only = np.frombuffer(frame.tobytes(), np.uint8).reshape(frame.shape)

    assert analyze(landmarker, [read_only], keep=[0]).found.all()


def test_checkpoint_is_called_for_each_frame_and_may_stop_the_work(landmarker: Landmarker) -> None:
    """The checkpoint runs once a frame; what it raises ends the analysis at once."""
    calls = 0

    def stop_at_third() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        analyze(landmarker, carphone()[:10], checkpoint=stop_at_third)
    assert calls == 3


def test_rows_count_from_the_segment_s_first_frame(landmarker: Landmarker) -> None:
    """The second minute's first row is frame 1501 at 60 s."""
    table = landmarker.analyze(
        carphone()[:1], fps=25, first_frame=1500, keep=[], crop_size=224, checkpoint=lambda: None
    ).table

    assert table.frame.tolist() == [1501]
    assert table.timestamp.tolist() == [60.0]


def test_a_small_face_in_a_large_picture_is_found(landmarker: Landmarker) -> None:
    """A face of 60 pixels in a picture 640 wide is found from the first frame on."""
    picture = empty(1, 360, 640)[0]
    picture[180:324, 400:576] = carphone()[0]

    assert analyze(landmarker, [picture] * 2).table.success.all()


def test_a_face_that_fills_the_picture_is_found(landmarker: Landmarker) -> None:
    """A picture cut so close that it shows no more than the face is enough."""
    close = scaled(carphone()[0][40:110, 60:115], 4)

    assert analyze(landmarker, [close]).table.success.all()


def test_a_smile_is_seen_in_the_clip_that_shows_one() -> None:
    """AU12 is far stronger in the acted happiness than in the neutral reading."""
    happy, neutral = shared_clip("mead_W036_happiness.mp4"), shared_clip("grid_bbaf2n.mpg")
    landmarker = Landmarker.load()

    smiles = [analyze(landmarker, frames[::5]).table.column("AU12_r") for frames in (happy, neutral)]

    assert np.median(smiles[0]) > 1.5
    assert smiles[1].max() < 0.5


@pytest.mark.parametrize(
    "name",
    ["grid_bbaf2n.mpg", "grid_brbk7n.mpg", "mead_M003_disgust.mp4", "mead_W036_happiness.mp4"],
)
def test_real_clips_have_a_face_in_each_frame(landmarker: Landmarker, name: str) -> None:
    """A person who faces the camera is found in every frame."""
    frames = shared_clip(name)[:50]

    track = analyze(landmarker, frames, keep=[0, 25, 49])

    assert track.table.success.all()
    assert track.found.all()
    assert track.most_faces == 1

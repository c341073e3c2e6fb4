from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.catalog.config import FaceSeries
from shared.catalog.series import SHAPE_COLUMNS, UNIT_OF
from worker.faces.shape import face_shape
from worker.faces.table import LANDMARK_COLUMNS, VALUE_COLUMNS, FaceTable
from worker.fusion.series import window_series
from worker.windows import Window

FPS = 25.0


def make_table(rows: int, success: NDArray[np.bool_] | None = None) -> FaceTable:
    """Return a table whose AU01_r is the row's number and whose pose_Rx is its negative."""
    numbers = np.arange(rows, dtype=np.float32)
    return FaceTable.from_columns(
        {"AU01_r": numbers, "pose_Rx": -numbers},
        fps=FPS,
        first_frame=0,
        confidence=np.ones(rows),
        success=np.ones(rows, bool) if success is None else success,
    )


def rows_of(table: FaceTable, window: Window, steps: int, segment_start_s: float = 0) -> list[float]:
    series = FaceSeries(columns=("AU01_r",), steps=steps)
    found = window_series(table, [window], series, segment_start_s=segment_start_s, fps=FPS)
    assert found.shape == (1, steps, 1)
    assert found.dtype == np.float32
    numbers: list[float] = found[0, :, 0].tolist()
    return numbers


def test_instants_lie_in_the_middle_of_equal_parts() -> None:
    """Eight instants of 2 s at 25 frames a second lie 0.125, 0.375, ... s from its start."""
    assert rows_of(make_table(100), Window(0, 2, 4), 8) == [53, 59, 66, 72, 78, 84, 91, 97]


def test_with_as_many_instants_as_rows_each_row_stands_once() -> None:
    """A time between two rows takes the earlier, at any place of a long clip."""
    table = make_table(1500)
    for start in range(0, 60, 2):
        assert rows_of(table, Window(0, start, start + 2), 50) == [*range(25 * start, 25 * start + 50)]


def test_windows_count_from_the_start_of_the_media() -> None:
    """The table begins where its segment does."""
    assert rows_of(make_table(50), Window(0, 62, 64), 4, segment_start_s=62) == [6, 19, 31, 44]


def test_short_and_long_windows_have_as_many_instants() -> None:
    """A window of another length is stretched or thinned out."""
    table = make_table(100)
    assert rows_of(table, Window(0, 0, 0.08), 4) == [0, 1, 1, 1]
    assert rows_of(table, Window(0, 0, 4), 4) == [12, 37, 62, 87]


def test_columns_come_by_name_and_what_is_not_seen_is_nan() -> None:
    """Columns stand in the order asked for; what the analyzer cannot see, or saw no face for, is NaN."""
    table = make_table(4, success=np.array([True, False, True, True]))
    series = FaceSeries(columns=("pose_Rx", "gaze_angle_x", "AU01_r"), steps=4)

    found = window_series(table, [Window(0, 0, 0.16)], series, segment_start_s=0, fps=FPS)

    nan = np.nan
    np.testing.assert_array_equal(found, [[[0, nan, 0], [nan, nan, nan], [-2, nan, 2], [-3, nan, 3]]])


def test_a_picture_that_ends_early_is_not_known_after_its_end() -> None:
    """Times after the last row are NaN, not what was seen last; so are all of an empty table."""
    assert rows_of(make_table(25), Window(0, 0, 2), 4)[:2] == [6, 19]
    assert np.isnan(rows_of(make_table(25), Window(0, 0, 2), 4)[2:]).all()
    assert np.isnan(rows_of(make_table(0), Window(0, 0, 2), 4)).all()


def test_no_window_has_no_series() -> None:
    """Without windows the result is empty, and has its shape."""
    series = FaceSeries(columns=("AU01_r",), steps=3)
    assert window_series(make_table(5), [], series, segment_start_s=0, fps=FPS).shape == (0, 3, 1)


def test_every_column_that_a_model_may_take_is_in_the_table() -> None:
    """What the catalog knows of columns is what the analyzers write, or is made of their landmarks."""
    assert set(UNIT_OF) <= {*VALUE_COLUMNS, *SHAPE_COLUMNS}


def test_shape_columns_come_from_the_landmarks() -> None:
    """A model may ask for where a landmark lies in the face, beside what the table itself has."""
    points = np.random.default_rng(0).uniform(0, 100, (50, 136)).astype(np.float32)
    table = FaceTable.from_columns(
        {**dict(zip(LANDMARK_COLUMNS, points.T, strict=True)), "AU01_r": np.arange(50)},
        fps=FPS,
        first_frame=0,
        confidence=np.ones(50),
        success=np.ones(50, bool),
    )
    series = FaceSeries(columns=("shape_y_67", "AU01_r"), steps=50)

    found = window_series(table, [Window(0, 0, 2)], series, segment_start_s=0, fps=FPS)

    np.testing.assert_array_equal(found[0, :, 0], face_shape(points)[:, -1])
    np.testing.assert_array_equal(found[0, :, 1], np.arange(50))

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import AvemotionError, ErrorCode
from tests.unit.faces.openface.tables import EVERYTHING, WITH_LANDMARKS, WITHOUT_LANDMARKS, table
from worker.faces.openface.recording import Recording, largest_bytes, parse, read_recording
from worker.faces.table import LANDMARK_COLUMNS

WITHOUT_FACE_ID = tuple(name for name in WITH_LANDMARKS if name != "face_id")


def usable(*rows: dict[str, object]) -> list[bool]:
    return [bool(row) for row in parse(table(rows), len(rows)).usable()]


@pytest.mark.parametrize(
    ("columns", "count"), [(WITHOUT_LANDMARKS, 334), (WITH_LANDMARKS, 470), (EVERYTHING, 714)]
)
@pytest.mark.parametrize("separator", [",", ", "])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_any_set_of_features_and_any_build_is_read(
    columns: Sequence[str], count: int, separator: str, line_end: str
) -> None:
    """Tables of 334, 470 and 714 columns are read by name, with or without spaces, from Linux or Windows."""
    assert len(columns) == count

    recording = parse(table(3, columns, separator=separator, line_end=line_end), 3)

    assert recording.index.tolist() == [0, 1, 2]
    assert recording.usable().all()
    np.testing.assert_array_equal(recording.columns["AU12_r"], [1.5] * 3)
    np.testing.assert_array_equal(recording.columns["pose_Tz"], [500] * 3)
    assert ("x_0" in recording.columns) == ("x_0" in columns)


def test_face_id_may_be_missing() -> None:
    """The tables of OpenFace 2.0, which have no face_id, are read."""
    recording = parse(table(2, WITHOUT_FACE_ID, separator=", "), 2)

    assert recording.usable().all()
    np.testing.assert_array_equal(recording.columns["x_36"], [65, 65])


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    """A table that an editor of Windows has saved is read."""
    assert len(parse(b"\xef\xbb\xbf" + table(2), 2)) == 2


@pytest.mark.parametrize(
    "cells",
    [
        {"success": 0},
        {"confidence": 0.79},
        {"confidence": "nan"},
        {"pose_Rx": 1.01},
        {"pose_Ry": -1.01},
        {"pose_Rz": 3},
        {"AU12_r": "nan"},
        {"gaze_0_x": "-nan(ind)"},
        {"pose_Tz": "inf"},
        {"pose_Tz": 1e39},
    ],
)
def test_a_row_of_junk_is_not_usable(cells: dict[str, object]) -> None:
    """No success, low confidence, a head turned too far, or a number that is none makes a row junk."""
    assert not any(usable(cells))
    assert usable({}, {"confidence": 0.8, "pose_Rx": -1, "pose_Rz": 1}) == [True, True]


def test_the_rest_of_a_row_is_dropped() -> None:
    """A last row that was being written is left out, also where it happens to have all its cells."""
    whole = table(3)
    last = len(whole.splitlines(keepends=True)[-1])

    assert [len(parse(whole[:-cut], 3)) for cut in (1, 5, last // 2, last - 1, last)] == [2, 2, 2, 2, 2]


def test_rows_that_are_none_are_dropped() -> None:
    """Rows with too few or too many cells, or with words in them, do not move or spoil the others."""
    lines = table([{}, {"pose_Tz": "far"}, {"AU12_r": 3}, {}]).split(b"\n")
    lines[4] += b",0"

    recording = parse(b"\n".join([*lines[:1], b"", b"1,2", *lines[1:]]), 4)

    assert recording.index.tolist() == [0, 2]
    np.testing.assert_array_equal(recording.columns["AU12_r"], [1.5, 3])


@pytest.mark.parametrize("number", [0, -1, 4, 2.5, "nan", "inf", 1e300])
def test_rows_of_no_frame_are_dropped(number: object) -> None:
    """A row whose frame number the video does not have is left out."""
    assert parse(table([{}, {}, {"frame": number}]), 3).index.tolist() == [0, 1]


def test_the_first_of_two_rows_of_one_frame_counts() -> None:
    """Where a frame has two rows, the second is left out."""
    recording = parse(table([{}, {"frame": 1, "AU12_r": 5}]), 2)

    assert recording.index.tolist() == [0]
    np.testing.assert_array_equal(recording.columns["AU12_r"], [1.5])


@pytest.mark.parametrize("name", ["frame", "success", "confidence", "pose_Rz", "AU45_r"])
def test_a_missing_column_is_named(name: str) -> None:
    """A table without a column that is needed is refused, with the column's name."""
    columns = [column for column in WITH_LANDMARKS if column != name]

    with pytest.raises(AvemotionError, match=name) as caught:
        parse(table(2, columns), 2)
    assert caught.value.code is ErrorCode.ANALYZER_UNAVAILABLE


def test_columns_that_were_asked_for_are_needed() -> None:
    """Landmarks must be there where they were asked for."""
    with pytest.raises(AvemotionError, match="x_0"):
        parse(table(2, WITHOUT_LANDMARKS), 2, LANDMARK_COLUMNS)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\0" * 100, b"\xff\xfe" * 100, b"," * 10_000, b"frame,success\n1,1\n", b"\n" * 10_000],
)
def test_what_is_no_table_is_refused(content: bytes) -> None:
    """Bytes of any kind give a typed error."""
    with pytest.raises(AvemotionError) as caught:
        parse(content, 10)
    assert caught.value.code is ErrorCode.ANALYZER_UNAVAILABLE


@given(st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=40)), max_size=5))
def test_a_spoilt_table_is_survived(damage: list[tuple[int, bytes]]) -> None:
    """Whatever bytes of a table are changed, what comes out is in range, or the error is typed."""
    content = bytearray(table(5))
    for place, piece in damage:
        content[place % len(content) : place % len(content) + len(piece)] = piece
    try:
        recording = parse(bytes(content), 5)
    except AvemotionError:
        return
    assert set(recording.index.tolist()) <= set(range(5))
    assert len(recording.usable()) == len(recording)
    assert ((recording.confidence >= 0) & (recording.confidence <= 1)).all()


def test_a_table_far_too_large_is_not_read(tmp_path: Path) -> None:
    """A file beyond what the frames can give is refused before it is taken into memory."""
    path = tmp_path / "faces.csv"
    with path.open("wb") as file:
        file.truncate(largest_bytes(10) + 1)

    with pytest.raises(AvemotionError, match="larger") as caught:
        read_recording(path, 10)
    assert caught.value.code is ErrorCode.ANALYZER_UNAVAILABLE


def test_no_table_is_none(tmp_path: Path) -> None:
    """Where there is no file, nothing was recorded."""
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "link.csv").symlink_to("nowhere")

    for name in ("folder.csv", "link.csv", "nothing.csv"):
        assert read_recording(tmp_path / name, 10) is None


def test_a_table_is_read_from_its_file(tmp_path: Path) -> None:
    """The file that OpenFace wrote gives the rows in it."""
    path = tmp_path / "faces.csv"
    path.write_bytes(table(4))

    recording = read_recording(path, 4)

    assert isinstance(recording, Recording)
    assert len(recording) == 4

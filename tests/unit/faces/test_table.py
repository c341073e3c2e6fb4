from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from tests.unit.faces.clips import SHARED_DATA
from worker.faces.table import COLUMNS, VALUE_COLUMNS, FaceTable

OPENFACE_CSV = SHARED_DATA / "openface" / "face" / "single_face.csv"


def three_rows(first_frame: int = 0) -> FaceTable:
    """Rows of a face that is not seen in the second frame."""
    return FaceTable.from_columns(
        {"AU12_r": np.array([1.25, 2.5, 0]), "pose_Tz": np.array([400, np.nan, 412.34])},
        fps=25,
        first_frame=first_frame,
        confidence=[0.98, 0.25, 1],
        success=[True, False, True],
    )


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_header_is_openface_s() -> None:
    """The CSV has the columns that OpenFace writes, in its order; only the eye landmarks are left out."""
    if not OPENFACE_CSV.exists():
        pytest.skip("no recorded OpenFace CSV at hand")
    with OPENFACE_CSV.open(encoding="ascii") as file:
        header = next(csv.reader(file))

    assert list(COLUMNS) == [name for name in header if not name.startswith("eye_lmk_")]


def test_action_units_stand_last_and_in_openface_s_order() -> None:
    """17 intensities are followed by 18 presences: the same units, and AU28."""
    numbers = [f"{unit:02d}" for unit in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)]

    assert COLUMNS[-35:-18] == tuple(f"AU{number}_r" for number in numbers)
    assert COLUMNS[-18:] == tuple(f"AU{number}_c" for number in [*numbers[:-1], "28", "45"])


def test_null_is_an_empty_cell_and_never_zero() -> None:
    """A column not given, a NaN, and all values of a row without success are empty; a true 0 is a 0."""
    first, second, third = read(three_rows().to_csv())

    assert (first["AU12_r"], first["pose_Tz"], first["AU04_r"]) == ("1.25", "400.0", "")
    assert {second[name] for name in VALUE_COLUMNS} == {""}
    assert (second["success"], second["confidence"]) == ("0", "0.25")
    assert (third["AU12_r"], third["pose_Tz"], third["success"]) == ("0.00", "412.3", "1")


def test_frames_and_times_count_from_the_start_of_the_media() -> None:
    """A segment that starts after 50 frames at 25 a second begins with frame 51 at 2 s."""
    rows = read(three_rows(first_frame=50).to_csv())

    assert [row["frame"] for row in rows] == ["51", "52", "53"]
    assert [row["timestamp"] for row in rows] == ["2.000", "2.040", "2.080"]


def test_a_name_that_openface_does_not_know_is_refused() -> None:
    """A column that is no OpenFace column is an error, not a new column."""
    with pytest.raises(KeyError, match="AU99_r"):
        FaceTable.from_columns({"AU99_r": np.ones(1)}, fps=25, first_frame=0, confidence=[1], success=[True])


def test_tables_of_segments_join_into_one() -> None:
    """Joined tables give the CSV of all their rows in order, with one header."""
    whole = FaceTable.concatenate([three_rows(), three_rows(first_frame=3)])

    assert len(whole) == 6
    assert [row["frame"] for row in read(whole.to_csv())] == ["1", "2", "3", "4", "5", "6"]
    np.testing.assert_array_equal(whole.column("AU12_r"), [1.25, np.nan, 0, 1.25, np.nan, 0])


def test_no_rows_give_a_header_alone() -> None:
    """A segment without frames gives a CSV with its header and nothing else."""
    table = FaceTable.from_columns({}, fps=25, first_frame=0, confidence=[], success=[])

    assert table.to_csv() == ",".join(COLUMNS) + "\n"

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.faces.agreement import AIMS, agreement
from bench.faces.clip import cached_clip
from bench.faces.recording import Agreement, compare, read_table
from tests.unit.faces.clips import SHARED_DATA
from tests.unit.faces.openface.tables import table
from worker.faces.landmarker.action_units import ACTION_UNITS, RELIABILITY

RECORDING = SHARED_DATA / "openface" / "face" / "single_face.csv"


@pytest.fixture(scope="module")
def measured() -> dict[str, Agreement]:
    """How the built-in analyzer goes with OpenFace's recorded run on the same clip."""
    clip = cached_clip()
    if not RECORDING.exists():
        pytest.skip("OpenFace's recorded run is not at hand: it may not be shipped with the project")
    if not clip.exists():
        pytest.skip(f"{clip} is not at hand: `python -m bench.faces.clip` fetches it")
    return {row.name: row for row in agreement(clip, RECORDING)}


@pytest.mark.parametrize("column", AIMS)
def test_agreement_with_openface_meets_its_aim(measured: dict[str, Agreement], column: str) -> None:
    """Each column with an aim goes with OpenFace's as well as the aim says."""
    assert measured[column].r >= AIMS[column]


def test_reliability_is_what_was_measured(measured: dict[str, Agreement]) -> None:
    """The reliabilities that results carry are those of this clip."""
    for name, r in RELIABILITY.items():
        assert measured[name].r == pytest.approx(r, abs=0.03), name


def test_reliability_is_said_of_action_units_that_are_given() -> None:
    """A reliability belongs to an action unit that has values, and is a correlation."""
    assert set(RELIABILITY) <= set(ACTION_UNITS)
    assert all(-1 <= r <= 1 for r in RELIABILITY.values())


def test_recording_is_read_by_name_and_without_its_junk(tmp_path: Path) -> None:
    """Blanks in the header do not matter; rows that OpenFace itself distrusts are NaN, times are not."""
    rows = (
        {"pose_Tz": 400},
        {"pose_Tz": 37526952, "confidence": 0.03, "success": 0},
        {"pose_Tz": 400, "confidence": 0.79},
        {"pose_Tz": 400, "pose_Ry": -1.2},
    )
    path = tmp_path / "face.csv"
    path.write_bytes(table(rows, separator=", "))

    seen = read_table(path, frames=4, fps=10)

    np.testing.assert_array_equal(seen.column("pose_Tz"), [400, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(seen.frame, [1, 2, 3, 4])
    np.testing.assert_allclose(seen.timestamp, [0, 0.1, 0.2, 0.3])


def test_agreement_counts_frames_that_both_have() -> None:
    """Frames that one of the two lacks, at the end or as NaN, change nothing."""
    ours = np.array([1.0, 2, np.nan, 4, 9])
    theirs = np.array([3.0, 5, 100, 9])

    row = compare("AU12_r", ours, theirs)

    assert row.r == pytest.approx(1)
    assert row.offset == pytest.approx(7 / 3 - 17 / 3)


def test_agreement_with_what_never_changes_is_not_a_number() -> None:
    """A flat column has no correlation, and one without values no offset either."""
    assert np.isnan(compare("AU04_r", np.array([0.0, 1]), np.array([0.0, 0])).r)
    assert np.isnan(compare("AU04_r", np.array([np.nan, 1]), np.array([0.0, np.nan])).offset)

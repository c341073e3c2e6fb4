from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest

from shared.errors import WarningCode
from tests.unit.faces.clips import Frames, carphone, empty
from tests.unit.faces.openface.installs import FakeInstall, recorded_table
from tests.unit.faces.openface.tables import table
from worker.faces.landmarker import Landmarker
from worker.faces.table import VALUE_COLUMNS


def pictures(count: int) -> Frames:
    """Pictures of the size of the recorded clip."""
    return empty(count, 360, 640)


@pytest.mark.parametrize(
    ("case", "frames"), [("face", 72), ("face_all_columns", 72), ("face_then_gone", 169), ("no_face", 95)]
)
def test_recorded_rows_are_taken_over(install: FakeInstall, case: str, frames: int) -> None:
    """Each row of the real program's table that is sure of a face is in ours as it is; others are null."""
    install.play_recorded(case)
    theirs = recorded_table(case)
    turns = np.abs([theirs[f"pose_R{axis}"] for axis in "xyz"]).max(axis=0)
    sure = (theirs["success"] == 1) & (theirs["confidence"] >= 0.8) & (turns <= 1)

    track = install.analyze(pictures(frames), keep=[0, frames - 1], first_frame=100)

    np.testing.assert_array_equal(track.table.success, sure)
    np.testing.assert_array_equal(track.table.frame, np.arange(101, 101 + frames))
    for name in VALUE_COLUMNS:
        np.testing.assert_array_equal(
            track.table.column(name), np.where(sure, theirs[name], np.nan).astype(np.float32), err_msg=name
        )
    assert track.found.tolist() == [sure[0], sure[-1]]
    assert track.most_faces == int(sure.any())


@pytest.mark.parametrize(
    ("case", "frames", "warnings"),
    [
        ("face", 72, ()),
        ("face_then_gone", 169, (WarningCode.LOW_FACE_QUALITY,)),
        ("no_face", 95, (WarningCode.LOW_FACE_QUALITY,)),
        ("truncated", 120, (WarningCode.FACES_CUT_SHORT, WarningCode.LOW_FACE_QUALITY)),
        ("truncated", 60, ()),
    ],
)
def test_recorded_runs_have_their_warnings(
    install: FakeInstall, case: str, frames: int, warnings: tuple[WarningCode, ...]
) -> None:
    """A face that is seldom seen, and rows that end too early, are told."""
    install.play_recorded(case)

    assert install.analyze(pictures(frames)).warnings == warnings


def test_rows_of_a_run_cut_short_are_kept(install: FakeInstall) -> None:
    """The frames that OpenFace read have their rows; those behind are null, not made up."""
    install.play(table=table(57))

    track = install.analyze(120, keep=[10, 100])

    assert track.warnings == (WarningCode.FACES_CUT_SHORT, WarningCode.LOW_FACE_QUALITY)
    assert len(track.table) == 120
    assert track.table.success[:57].all()
    assert not track.table.success[57:].any()
    assert np.isnan(track.table.values[57:]).all()
    assert track.found.tolist() == [True, False]


def test_no_frames_give_no_rows(install: FakeInstall) -> None:
    """A segment without frames is not shown to OpenFace."""
    track = install.analyze(0, keep=[0, 5])

    assert len(track.table) == 0
    assert (track.crops.shape, track.found.tolist()) == ((2, 64, 64, 3), [False, False])
    assert not (install.folder / "called.json").exists()


def test_landmarks_are_in_pixels_of_the_frames(install: FakeInstall) -> None:
    """Where frames were scaled for OpenFace, its landmarks are taken back."""
    install.play(table=table([{"x_0": 128, "y_0": 72}] * 3))

    large = install.analyze(empty(3, 1440, 2560)).table
    small = install.analyze(empty(3, 60, 60)).table

    assert (large.column("x_0")[0], large.column("y_0")[0]) == (256, 144)
    assert (small.column("x_0")[0], small.column("y_0")[0]) == (64, 36)


def test_no_face_is_no_failure(install: FakeInstall) -> None:
    """A video without a face is analysed well: it has null rows, no crop, and a warning."""
    # Junk as it was seen beside success=0.
    install.play(table=table([{"success": 0, "confidence": 0.02, "pose_Tz": 37_526_952}] * 20))

    track = install.analyze(20, keep=[3])

    assert np.isnan(track.table.values).all()
    assert not track.found.any()
    assert not track.crops.any()
    assert (track.most_faces, track.warnings) == (0, (WarningCode.LOW_FACE_QUALITY,))


def test_a_head_on_its_side_is_low_quality(install: FakeInstall) -> None:
    """Where most heads lie on their side, the picture does, and its numbers mean little."""
    install.play(table=table([{"pose_Rz": 1.5}] * 9 + [{}] * 11))
    upright = install.analyze(20).warnings
    install.play(table=table([{"pose_Rz": -1.5}] * 11 + [{}] * 9))
    lying = install.analyze(20).warnings

    assert upright == ()
    assert lying == (WarningCode.LOW_FACE_QUALITY,)


def test_crops_are_framed_as_the_landmarkers_are(install: FakeInstall) -> None:
    """On the same landmarks both analyzers cut the same faces, at the same place and size."""
    frames = carphone()[:30]
    keep = [0, 11, 29]
    theirs = Landmarker.load().analyze(
        frames, fps=25, first_frame=0, keep=keep, crop_size=112, checkpoint=lambda: None
    )
    # What the built-in analyzer does not know is null; OpenFace leaves no cell empty.
    install.play(table=re.sub(r"(?<=,)(?=[,\n])", "0", theirs.table.to_csv()).encode())

    ours = install.analyze(frames, keep=keep, crop_size=112)

    assert ours.found.all()
    np.testing.assert_allclose(
        ours.table.column("x_30"), theirs.table.column("x_30"), atol=0.051, err_msg="landmarks"
    )
    # Encoding, half the chroma, and landmarks rounded to tenths of a pixel.
    assert np.abs(ours.crops.astype(float) - theirs.crops).mean() < 4


def test_memory_does_not_grow_with_the_frames(install: FakeInstall) -> None:
    """Frames are written as they come and only kept ones are read back: none are collected."""
    install.play(table=table(400))
    alive: list[int] = []

    class Counted(np.ndarray):
        """A frame that is counted while it exists."""

        def __del__(self) -> None:
            alive[0] -= 1

    def frames() -> Iterator[Frames]:
        alive.append(0)
        most = 0
        for _ in range(400):
            alive[0] += 1
            most = max(most, alive[0])
            yield np.full((120, 160, 3), 90, np.uint8).view(Counted)
        alive.append(most)

    install.analyze(frames(), keep=range(0, 400, 50))

    assert alive[1] < 5

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.faces.clips import Frames, carphone, empty, side_by_side
from worker.faces.landmarker import Landmarker
from worker.faces.landmarker.detector import Detection
from worker.faces.landmarker.region import Region
from worker.faces.landmarker.tracker import Tracker

FPS = 25
NOSE = 4


@pytest.fixture
def tracker(landmarker: Landmarker) -> Tracker:
    return Tracker(landmarker._detector, landmarker._mesh, FPS)


def noses(tracker: Tracker, frames: list[Frames] | Frames) -> NDArray[np.float32]:
    """Where the followed face's nose is from the left, in pixels; NaN where none is followed."""
    faces = [tracker.follow(frame).face for frame in frames]
    return np.array([np.nan if face is None else face.points[NOSE, 0] for face in faces], dtype=np.float32)


def test_detector_rests_while_the_face_is_followed(
    landmarker: Landmarker, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In three seconds of one face the detector looks for a start, and then once a second to count."""
    detect, calls = landmarker._detector.detect, []

    def counted(frame: Frames, views: list[Region]) -> list[Detection]:
        calls.append(views)
        return detect(frame, views)

    monkeypatch.setattr(landmarker._detector, "detect", counted)
    noses(tracker, carphone()[: 3 * FPS])

    assert len(calls) == 3


def test_of_two_faces_the_larger_is_followed_and_both_are_counted(tracker: Tracker) -> None:
    """Two faces side by side: the larger one on the left is followed in all frames."""
    track = noses(tracker, [side_by_side(frame) for frame in carphone()[:30]])

    assert (track < 300).all()
    assert tracker.most_faces == 2


def test_a_second_face_that_comes_later_is_counted_but_not_followed(tracker: Tracker) -> None:
    """A larger face that walks in does not take over from the one that is being followed."""
    alone = [side_by_side(frame, left=False) for frame in carphone()[:5]]
    joined = [side_by_side(frame) for frame in carphone()[5 : 5 + FPS]]

    track = noses(tracker, alone + joined)

    assert (track > 370).all()
    assert tracker.most_faces == 2


def test_a_face_hidden_for_a_moment_is_not_taken_for_its_neighbour(tracker: Tracker) -> None:
    """While the followed one of two faces is hidden, rows are empty; it is followed again afterwards."""
    film = carphone()[:20]
    frames = [side_by_side(frame, left=not 8 <= number < 14) for number, frame in enumerate(film)]

    track = noses(tracker, frames)

    assert np.isnan(track[8:14]).all()
    assert (np.delete(track, range(8, 14)) < 300).all()


def test_a_face_that_stays_away_is_given_up_for_the_other(tracker: Tracker) -> None:
    """Half a second after the followed one of two faces is gone, the other one is followed."""
    frames = [side_by_side(frame, left=number < 5) for number, frame in enumerate(carphone()[:25])]

    track = noses(tracker, frames)

    assert np.isnan(track[5:15]).all()
    assert (track[20:] > 370).all()


def test_after_a_cut_a_lone_face_elsewhere_is_followed_at_once(tracker: Tracker) -> None:
    """When the scene is cut from a face on the left to one on the right, no frame is lost."""
    film = carphone()[:10]
    frames = [side_by_side(frame, left=number < 5, right=number >= 5) for number, frame in enumerate(film)]

    track = noses(tracker, frames)

    assert (track[:5] < 300).all()
    assert (track[5:] > 370).all()


def test_a_face_that_leaves_and_comes_back_is_found_again(tracker: Tracker) -> None:
    """Frames without the face have none, and the first frame with it has one again."""
    film = carphone()[:30].copy()
    film[10:20] = empty(10)

    track = noses(tracker, film)

    np.testing.assert_array_equal(np.isnan(track), (np.arange(30) >= 10) & (np.arange(30) < 20))

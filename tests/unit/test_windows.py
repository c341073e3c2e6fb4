"""Which windows, segments and frames a clip has."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from worker.windows import Window, frame_indices, plan_segments, plan_windows


def test_a_clip_shorter_than_a_window_has_one_window_of_its_own_length() -> None:
    """plan_windows never makes a window that reaches past the media."""
    assert plan_windows(0.7, 2, 2) == [Window(0, 0.0, 0.7)]


def test_windows_follow_each_other_by_the_stride() -> None:
    """plan_windows gives one window a stride while a whole one fits."""
    assert [w.start_s for w in plan_windows(6, 2, 1)] == [0, 1, 2, 3, 4]


def test_the_rest_of_a_clip_gets_a_whole_window_that_ends_with_it() -> None:
    """plan_windows covers the last moments by a window that overlaps the one before."""
    windows = plan_windows(5, 2, 2)

    assert [(w.start_s, w.end_s) for w in windows] == [(0, 2), (2, 4), (3, 5)]


def test_a_rest_of_milliseconds_gets_no_window() -> None:
    """plan_windows does not score two seconds twice for the last frame of 4.004 s."""
    assert len(plan_windows(4.004, 2, 2)) == 2


def test_an_hour_has_sixty_segments() -> None:
    """plan_segments cuts an hour of 2 s windows into sixty segments of a minute."""
    segments = plan_segments(plan_windows(3600, 2, 2), 60)

    assert len(segments) == 60
    assert {len(s.windows) for s in segments} == {30}
    assert (segments[1].start_s, segments[1].end_s) == (60, 120)


def test_dense_windows_make_shorter_segments() -> None:
    """plan_segments bounds the windows of a segment, and so the memory of a worker."""
    segments = plan_segments(plan_windows(60, 2, 0.1), 60)

    assert max(len(s.windows) for s in segments) <= 64


@given(
    duration_s=st.floats(0.04, 4000),
    window_s=st.floats(0.25, 30),
    stride_s=st.floats(0.5, 60),
    segment_s=st.floats(1, 120),
)
def test_windows_and_segments_keep_their_promises(
    duration_s: float, window_s: float, stride_s: float, segment_s: float
) -> None:
    """Whatever is asked for: windows lie inside the media, in order, and each in one segment."""
    windows = plan_windows(duration_s, window_s, stride_s)
    segments = plan_segments(windows, segment_s)

    assert windows[0].start_s == 0
    assert windows[-1].end_s >= duration_s - max(window_s / 8, 0) - 1e-6 or stride_s > window_s
    assert all(0 <= w.start_s < w.end_s <= duration_s + 1e-9 for w in windows)
    assert all(a.start_s < b.start_s for a, b in pairwise(windows))
    spans = [(w.start_s, w.end_s) for s in segments for w in s.windows]
    assert spans == [(w.start_s, w.end_s) for w in windows]
    for segment in segments:
        assert [w.index for w in segment.windows] == list(range(len(segment.windows)))
        assert len(segment.windows) == 1 or segment.end_s - segment.start_s <= segment_s + 1e-2


def test_a_window_takes_its_frames_evenly() -> None:
    """frame_indices picks 8 frames of a 2 s window at 25 frames a second, a quarter second apart."""
    picked = frame_indices(Window(0, 2.0, 4.0), segment_start_s=0, fps=25, window_fps=16, count=8)

    assert picked == [53, 59, 66, 72, 78, 84, 91, 97]


def test_a_very_short_window_repeats_frames_and_asks_for_none_past_its_end() -> None:
    """frame_indices stays inside a clip of three frames."""
    picked = frame_indices(Window(0, 0.0, 0.12), segment_start_s=0, fps=25, window_fps=16, count=8)

    assert picked == sorted(picked)
    assert set(picked) <= {0, 1, 2}

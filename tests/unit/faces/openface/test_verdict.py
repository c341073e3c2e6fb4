from __future__ import annotations

import signal

import pytest

from shared.errors import AvemotionError, ErrorCode, TransientError, WarningCode
from tests.unit.faces.openface.installs import SUCCESS
from tests.unit.faces.openface.tables import table
from worker.faces.openface.process import Ending
from worker.faces.openface.recording import Recording, parse
from worker.faces.openface.verdict import judge

ALL_WELL = SUCCESS.decode()
FRAMES = 100


def rows(count: int) -> Recording:
    return parse(table(count), FRAMES)


def warnings(recorded: int) -> tuple[WarningCode, ...]:
    return judge(Ending(0, ALL_WELL, ""), rows(recorded), FRAMES)[1]


def test_success_needs_everything_to_agree() -> None:
    """Exit code 0, both closing lines and nearly all rows make a success, without a warning."""
    recording = rows(100)

    assert judge(Ending(0, ALL_WELL, ""), recording, FRAMES) == (recording, ())
    assert warnings(95) == ()


@pytest.mark.parametrize("recorded", [94, 57, 1])
def test_rows_that_end_early_are_kept_with_a_warning(recorded: int) -> None:
    """A run that closed its table before the end of the video counts for what it has."""
    assert warnings(recorded) == (WarningCode.FACES_CUT_SHORT,)


@pytest.mark.parametrize("line", ["Closed successfully", "Postprocessing the Action Unit predictions"])
def test_a_closing_line_that_is_missing_is_a_failure(line: str) -> None:
    """A full table does not count if the run did not say that it is finished."""
    with pytest.raises(AvemotionError) as caught:
        judge(Ending(0, ALL_WELL.replace(line, ""), ""), rows(FRAMES), FRAMES)
    assert caught.value.code is ErrorCode.MEDIA_UNREADABLE


@pytest.mark.parametrize(
    ("status", "words", "code", "sentence"),
    [
        (0, "", ErrorCode.ANALYZER_UNAVAILABLE, "without a look"),
        (0, "Failed to open the video file at location: segment.mp4", "analyzer_unavailable", "H.264"),
        (0, ALL_WELL, ErrorCode.MEDIA_UNREADABLE, "not read one frame"),
        (1, "ERROR: Could not load the landmark detector", "analyzer_unavailable", "landmark models"),
        (1, "", ErrorCode.ANALYZER_UNAVAILABLE, "gave up"),
        (126, "Permission denied", ErrorCode.ANALYZER_UNAVAILABLE, "cannot be started"),
        (127, "x: error while loading shared libraries: liby.so", "analyzer_unavailable", "library"),
        (134, "WARNING: no Action Unit models found", ErrorCode.ANALYZER_UNAVAILABLE, "AU_predictors"),
        (134, "what():  filesystem error: cannot create directory", "analyzer_unavailable", "SCRATCH_DIR"),
        (134, "instance of 'std::length_error'", ErrorCode.MEDIA_UNREADABLE, "too small"),
        (134, "instance of 'std::bad_alloc'", ErrorCode.OUT_OF_MEMORY, "OPENFACE_MEMORY_MB"),
        (134, "OpenCV(4.6.0) error: (-4:Insufficient memory)", ErrorCode.OUT_OF_MEMORY, "memory"),
        (134, "Assertion failed", ErrorCode.MEDIA_UNREADABLE, "crashed"),
        (137, "", ErrorCode.OUT_OF_MEMORY, "memory"),
        (139, ALL_WELL, ErrorCode.MEDIA_UNREADABLE, "crashed"),
        (153, "", ErrorCode.ANALYZER_UNAVAILABLE, "far more"),
        (255, "", ErrorCode.ANALYZER_UNAVAILABLE, "gave up"),
    ],
)
def test_each_way_to_fail_has_its_error(
    status: int, words: str, code: ErrorCode | str, sentence: str
) -> None:
    """Exit code and words tell what happened; a signal says the same as a shell's code for it."""
    statuses = [status, 128 - status] if status in range(129, 193) else [status]
    expected = ErrorCode.of(code) if isinstance(code, str) else code
    for ended in statuses:
        for ending in (Ending(ended, words, ""), Ending(ended, "", words)):
            # Closing lines count on standard output alone.
            if words == ALL_WELL and not ending.stdout:
                continue
            with pytest.raises(AvemotionError, match=sentence) as caught:
                judge(ending, None, FRAMES)
            assert caught.value.code is expected


def test_a_run_that_was_stopped_for_its_time_is_a_timeout() -> None:
    """A run without an exit code took too long, whatever it has written."""
    with pytest.raises(AvemotionError) as caught:
        judge(Ending(None, ALL_WELL, ""), rows(FRAMES), FRAMES)
    assert caught.value.code is ErrorCode.TIMEOUT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_run_that_somebody_stopped_may_be_tried_again(number: signal.Signals) -> None:
    """The end of a machine ends its runs; the stage is tried again, and its table is not used."""
    for status in (-number, 128 + number):
        with pytest.raises(TransientError):
            judge(Ending(status, ALL_WELL, ""), rows(FRAMES), FRAMES)


def test_words_of_a_run_that_went_well_are_no_complaint() -> None:
    """What a library mentions beside a whole success does not spoil it."""
    warnings = (
        "[ WARN:1@0.081] no filesystem error, no std::length_error, Cannot allocate memory for cache",
        "Failed to open VDPAU backend libvdpau_nvidia.so: cannot open shared object file",
    )

    for warning in warnings:
        assert judge(Ending(0, ALL_WELL, warning), rows(FRAMES), FRAMES)[1] == ()

"""Whether a run of OpenFace is a success: its exit code alone tells nothing.

Exit code 0 also comes with no output at all, and lines that report success with a crash. So a run
counts only if everything agrees; each way to fail that was measured has its own error here.
"""

from __future__ import annotations

import signal
from typing import Final, NamedTuple

from shared.errors import AvemotionError, ErrorCode, TransientError, WarningCode
from worker.faces.openface.process import Ending
from worker.faces.openface.recording import Recording

# Readers of video lose a frame at its end now and then.
_WHOLE_SHARE: Final = 0.95
# What it says when all is well, closing the video and the table.
_CLOSED: Final = ("Closed successfully", "Postprocessing the Action Unit predictions")
# A shell that stands between tells of a signal this way.
_SHELL_SIGNALS: Final = range(129, 193)
_EXIT_NOT_STARTED: Final = (126, 127)

_MEMORY: Final = (
    "OpenFace needs more memory than allowed (AVEMOTION_OPENFACE_MEMORY_MB). Where that cannot be raised, "
    'choose the built-in analyzer: "landmarker".'
)
_CRASHED: Final = 'OpenFace crashed on this video. The built-in analyzer, "landmarker", may yet read it.'
_NO_ROOM: Final = "OpenFace cannot write to the folder of temporary files (AVEMOTION_SCRATCH_DIR)."
_STRANGE: Final = "this build is none that is known here."


class Complaint(NamedTuple):
    """What it says before it gives up, and what that means.

    Attributes:
        words: The words to look for.
        code: The error.
        message: Its sentence.
        with_success: Whether the words count beside exit code 0.
    """

    words: str
    code: ErrorCode
    message: str
    with_success: bool = False


_COMPLAINTS: Final = (
    Complaint(
        "Could not load the landmark detector",
        ErrorCode.ANALYZER_UNAVAILABLE,
        "OpenFace cannot load its landmark models: some are missing or damaged.",
        with_success=True,
    ),
    Complaint(
        "no Action Unit models found",
        ErrorCode.ANALYZER_UNAVAILABLE,
        "OpenFace cannot load its action unit models: the folder AU_predictors must lie beside its program.",
        with_success=True,
    ),
    # It is given H.264 in MP4 that was made for it a moment before. Libraries, too, fail to open this
    # and that, which they tell beside success.
    Complaint(
        "Failed to open the video file",
        ErrorCode.ANALYZER_UNAVAILABLE,
        "OpenFace cannot open the video made for it: its OpenCV may lack a decoder for H.264.",
        with_success=True,
    ),
    # Of the C++ library, OpenCV, the system, and the loader of libraries.
    Complaint("std::bad_alloc", ErrorCode.OUT_OF_MEMORY, _MEMORY),
    Complaint("Insufficient memory", ErrorCode.OUT_OF_MEMORY, _MEMORY),
    Complaint("Cannot allocate memory", ErrorCode.OUT_OF_MEMORY, _MEMORY),
    Complaint("failed to map segment", ErrorCode.OUT_OF_MEMORY, _MEMORY),
    Complaint(
        "error while loading shared libraries",
        ErrorCode.ANALYZER_UNAVAILABLE,
        "OpenFace cannot start: a library that it needs is missing on this machine.",
    ),
    Complaint(
        "std::length_error",
        ErrorCode.MEDIA_UNREADABLE,
        'The picture is too small for OpenFace. The built-in analyzer, "landmarker", takes any size.',
    ),
    # Of the standard library, and of Boost in older builds.
    Complaint("filesystem error", ErrorCode.ANALYZER_UNAVAILABLE, _NO_ROOM),
    Complaint("boost::filesystem", ErrorCode.ANALYZER_UNAVAILABLE, _NO_ROOM),
)


def judge(
    ending: Ending, recording: Recording | None, frames: int
) -> tuple[Recording, tuple[WarningCode, ...]]:
    """Return what a run that succeeded recorded, and the warnings that belong to it.

    Args:
        ending: How the run ended.
        recording: Its table; None where it wrote none.
        frames: How many frames it was given.

    Raises:
        AvemotionError: The run failed; what it wrote must not be used.
        TransientError: Somebody stopped it, as at the shutdown of a machine.
    """
    ended_by = _signal_of(ending.status)
    _judge_signal(ending.status, ended_by)
    for complaint in _COMPLAINTS:
        counts = complaint.with_success or ending.status != 0
        if counts and complaint.words in ending.stdout + ending.stderr:
            raise AvemotionError(complaint.code, complaint.message)
    if ended_by is not None:
        raise AvemotionError(ErrorCode.MEDIA_UNREADABLE, _CRASHED)
    if ending.status in _EXIT_NOT_STARTED:
        raise _unavailable("OpenFace's program cannot be started on this machine.")
    if ending.status != 0:
        raise _unavailable("OpenFace gave up before it looked at the video.")
    if not all(words in ending.stdout for words in _CLOSED):
        if recording is None:
            raise _unavailable(f"OpenFace ended without a look at the video: {_STRANGE}")
        raise AvemotionError(ErrorCode.MEDIA_UNREADABLE, _CRASHED)
    if recording is None or len(recording) == 0:
        raise AvemotionError(ErrorCode.MEDIA_UNREADABLE, "OpenFace could not read one frame of this video.")
    is_whole = len(recording) >= frames * _WHOLE_SHARE
    return recording, () if is_whole else (WarningCode.FACES_CUT_SHORT,)


def _judge_signal(status: int | None, ended_by: int | None) -> None:
    """Raise if the run was ended in a way that tells by itself what happened."""
    if status is None:
        raise AvemotionError(ErrorCode.TIMEOUT, "OpenFace took longer than allowed and was stopped.")
    if ended_by == signal.SIGKILL:
        # Nobody else kills a child this way but the kernel, for want of memory.
        raise AvemotionError(ErrorCode.OUT_OF_MEMORY, _MEMORY)
    if ended_by in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        raise TransientError("OpenFace was told to stop.")
    if ended_by == signal.SIGXFSZ:
        raise _unavailable(f"OpenFace wrote far more than a table: {_STRANGE}")


def _signal_of(status: int | None) -> int | None:
    """Return the signal that ended a program, also where a shell reports it."""
    if status is None:
        return None
    if status < 0:
        return -status
    return status - 128 if status in _SHELL_SIGNALS else None


def _unavailable(message: str) -> AvemotionError:
    return AvemotionError(ErrorCode.ANALYZER_UNAVAILABLE, message)

"""OpenFace as a face analyzer."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import numpy as np
import structlog
from numpy.typing import NDArray

from shared.errors import AvemotionError, ErrorCode, TransientError, WarningCode
from shared.scratch import scratch_folder
from shared.settings import Settings
from worker.faces.alignment import Framing
from worker.faces.analyzer import no_progress
from worker.faces.openface.command import command_line
from worker.faces.openface.crop import crop_face
from worker.faces.openface.installation import Installation, find_installation
from worker.faces.openface.limits import Limits
from worker.faces.openface.process import run
from worker.faces.openface.recording import Recording, largest_bytes, read_recording
from worker.faces.openface.rows import build_table, is_low_quality
from worker.faces.openface.verdict import judge
from worker.faces.openface.video import Video, read_back, write_video
from worker.faces.table import LANDMARK_COLUMNS, FaceTable
from worker.faces.track import FaceTrack
from worker.media.sandbox import MIB

log = structlog.stdlib.get_logger(__name__)

# Raised whenever the same recording, or the same frames, could give other numbers.
_CODE_VERSION: Final = "1"
_LEAST_TIME_LIMIT_S: Final = 120.0
# Twenty times what one core needs for pictures 640 wide.
_TIME_LIMIT_S_PER_S: Final = 10.0
_DIGEST_DIGITS: Final = 8
_LOGGED_CHARACTERS: Final = 2000
_NAME: Final = "faces"


class OpenFace:
    """OpenFace's ``FeatureExtraction``, one run a segment; see ``FaceAnalyzer`` for what it gives."""

    name: str = "openface"
    # It is what others are measured by.
    reliability: Mapping[str, float] | None = None

    def __init__(self, installation: Installation, settings: Settings) -> None:
        """Use an installation that ``check`` found to be whole."""
        self._installation = installation
        self._settings = settings
        self._warnings = installation.check().warnings
        release = installation.release or _digest(installation.binary)
        models = ".clnf" if self._uses_lesser_landmarks else ""
        self.version = f"{release}+{_CODE_VERSION}{models}"

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """Find OpenFace and look whether it is whole.

        Raises:
            AvemotionError: `ANALYZER_UNAVAILABLE`, with what to do.
        """
        installation = find_installation(settings)
        if installation is None:
            raise AvemotionError(
                ErrorCode.ANALYZER_UNAVAILABLE,
                "OpenFace is not set up on this machine: OPENFACE_DIR must name the folder it is in.",
            )
        problems = installation.check().problems
        if problems:
            raise AvemotionError(ErrorCode.ANALYZER_UNAVAILABLE, " ".join(problems))
        return cls(installation, settings)

    @property
    def _uses_lesser_landmarks(self) -> bool:
        return WarningCode.OPENFACE_LESSER_LANDMARKS in self._warnings

    def analyze(  # noqa: PLR0913 - all but the frames are named
        self,
        frames: Iterable[NDArray[np.uint8]],
        *,
        fps: float,
        first_frame: int,
        keep: Sequence[int],
        crop_size: int,
        crop_zoom: float = 1.0,
        checkpoint: Callable[[], None],
        progress: Callable[[float], None] = no_progress,
    ) -> FaceTrack:
        """Follow one face through a segment; arguments and result as in ``FaceAnalyzer``.

        Raises:
            AvemotionError: `ANALYZER_UNAVAILABLE`, `MEDIA_UNREADABLE`, `OUT_OF_MEMORY`, `TIMEOUT`.
            TransientError: The run was stopped from outside, or the machine has no room for it now.
        """
        ends_at = time.monotonic() + self._settings.stage_time_limit_s
        with scratch_folder(self._settings.scratch_dir) as folder:
            video = write_video(frames, folder / "segment.mp4", fps=fps, checkpoint=checkpoint)
            if video.frames == 0:
                return _nothing(len(keep), crop_size, fps, first_frame)
            limit_s = min(time_limit_s(video.frames / fps), ends_at - time.monotonic())
            recording, warnings = self._watch(folder, video, limit_s, checkpoint, progress)
            crops, found = _cut(recording, video, keep, Framing(crop_size, crop_zoom), checkpoint)
        progress(1.0)
        if is_low_quality(recording, video.frames):
            warnings = (*warnings, WarningCode.LOW_FACE_QUALITY)
        table = build_table(recording, video, fps=fps, first_frame=first_frame)
        return FaceTrack(table, crops, found, int(table.success.any()), (*self._warnings, *warnings))

    def _watch(
        self,
        folder: Path,
        video: Video,
        limit_s: float,
        checkpoint: Callable[[], None],
        progress: Callable[[float], None],
    ) -> tuple[Recording, tuple[WarningCode, ...]]:
        """Run OpenFace on a video; return what it recorded, and with which warnings."""
        command = command_line(
            self._installation,
            lesser_landmarks=self._uses_lesser_landmarks,
            video=video.path,
            out_dir=folder,
            name=_NAME,
        )
        limits = Limits(
            memory_bytes=self._settings.openface_memory_mb * MIB,
            time_s=limit_s,
            file_bytes=largest_bytes(video.frames),
        )
        ending = run(command, self._installation.folder, limits, checkpoint=checkpoint, progress=progress)
        try:
            table = folder / f"{_NAME}.csv"
            # What a run that failed has written is of no use, and is not looked at.
            recording = read_recording(table, video.frames, LANDMARK_COLUMNS) if ending.status == 0 else None
            return judge(ending, recording, video.frames)
        except (AvemotionError, TransientError):
            log.warning(
                "OpenFace failed",
                status=ending.status,
                stdout=ending.stdout[-_LOGGED_CHARACTERS:],
                stderr=ending.stderr[-_LOGGED_CHARACTERS:],
            )
            raise


def time_limit_s(duration_s: float) -> float:
    """Return how long OpenFace may take for a video."""
    return max(_LEAST_TIME_LIMIT_S, duration_s * _TIME_LIMIT_S_PER_S)


def _cut(
    recording: Recording, video: Video, keep: Sequence[int], framing: Framing, checkpoint: Callable[[], None]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the crops of the kept frames, (K, S, S, 3), black where none is usable; and which are, (K,)."""
    crops = np.zeros((len(keep), framing.size, framing.size, 3), dtype=np.uint8)
    usable = recording.usable()
    row_of = dict(zip(recording.index[usable].tolist(), np.flatnonzero(usable), strict=True))
    crop_of = {index: crop for crop, index in enumerate(keep) if index in row_of}
    found = np.zeros(len(keep), dtype=bool)
    landmarks = np.column_stack([recording.columns[name] for name in LANDMARK_COLUMNS])
    for index, frame in read_back(video, crop_of, checkpoint):
        # All x, then all y.
        points = landmarks[row_of[index]].reshape(2, -1).T
        crops[crop_of[index]] = crop_face(frame, points, framing)
        found[crop_of[index]] = True
    return crops, found


def _nothing(kept: int, crop_size: int, fps: float, first_frame: int) -> FaceTrack:
    """Return the track of a segment without frames."""
    table = FaceTable.from_columns({}, fps=fps, first_frame=first_frame, confidence=[], success=[])
    crops = np.zeros((kept, crop_size, crop_size, 3), dtype=np.uint8)
    return FaceTrack(table, crops, np.zeros(kept, dtype=bool), most_faces=0)


def _digest(path: Path) -> str:
    """Return the start of a program's SHA-256, which tells builds apart that name no release."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGEST_DIGITS]
    except OSError:
        # What may be executed need not be readable.
        return "unknown"

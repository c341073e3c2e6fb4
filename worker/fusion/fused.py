"""The form that every way of fusing has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FusedWindows:
    """A segment's windows, ready for the model.

    Attributes:
        inputs: The model's inputs by name; the first axis of each is the window.
        modalities: What each window was built from: ``("audio", "video")``, ``("audio",)``,
            ``("video",)``, or ``()`` where there was neither and the window must not be scored.
        face_coverage: Share of each window's frames in which a face was found, (windows,).
    """

    inputs: dict[str, NDArray[Any]]
    modalities: list[tuple[str, ...]]
    face_coverage: NDArray[np.float32]


class Fusion(Protocol):
    """A pure function from what was seen and heard to the model's inputs."""

    def __call__(
        self,
        crops: NDArray[np.uint8],
        found: NDArray[np.bool_],
        rows: NDArray[np.integer],
        images: NDArray[np.uint8] | None,
        voiced: NDArray[np.bool_],
    ) -> FusedWindows:
        """Return the fused windows.

        Args:
            crops: Face crops of a segment, RGB, (F, size, size, 3); their content matters only
                where ``found``.
            found: Whether a face was found in each crop, (F,).
            rows: Which crops each window takes, in time order, (windows, n); below 0 where the
                picture has no such frame.
            images: Audio images aligned with those frames, RGB, (windows, n, size, size, 3); None
                without sound.
            voiced: Whether each window's sound is to be used, (windows,).

        Raises:
            ValueError: The arrays do not belong together.
        """
        ...

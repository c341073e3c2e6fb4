"""The command line of one run of ``FeatureExtraction``, and the environment it gets."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from worker.faces.openface.installation import LESSER_LANDMARKS, Installation

# Action units, head pose, gaze, 68 landmarks in pixels. With none of these it writes all it knows.
_FEATURES: Final = ("-aus", "-pose", "-gaze", "-2Dfp")
# One thread, one arena of address space, and a point as decimal sign. Nothing else of this process's
# environment, which holds addresses and keys, but for where the operator keeps OpenFace's libraries.
_ENVIRONMENT: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "LC_ALL": "C",
}
_PASSED_ON: Final = "LD_LIBRARY_PATH"


def command_line(
    installation: Installation, *, lesser_landmarks: bool, video: Path, out_dir: Path, name: str
) -> list[str]:
    """Return the arguments that make OpenFace write ``out_dir/name.csv``.

    Args:
        installation: A whole installation.
        lesser_landmarks: Whether to use the small landmark models, for want of the large ones.
        video: The video, an absolute path.
        out_dir: Folder of the output, an absolute path.
        name: Name of the output.
    """
    # On a pipe OpenFace's progress would come all at once, at its end.
    stdbuf = shutil.which("stdbuf")
    return [
        *([stdbuf, "-o0"] if stdbuf else []),
        *(str(installation.binary), "-f", str(video), "-out_dir", str(out_dir), "-of", name),
        *_FEATURES,
        *(["-mloc", LESSER_LANDMARKS] if lesser_landmarks else []),
    ]


def environment() -> dict[str, str]:
    """Return the environment variables of a run."""
    libraries = os.environ.get(_PASSED_ON)
    return {**_ENVIRONMENT, **({_PASSED_ON: libraries} if libraries else {})}

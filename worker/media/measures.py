"""Which of the system's measures against hostile media hold on this machine.

Usage, where media workers run and the command line is not installed: python -m worker.media.measures
"""

from __future__ import annotations

import sys

import imageio_ffmpeg

from worker.media.confinement import give_up_privileges
from worker.media.landlock import READ, restrict_files
from worker.media.libraries import reach_of
from worker.media.sandbox import run_limited
from worker.media.system_calls import Filter

_MEMORY_MB = 256
_TIME_LIMIT_S = 30.0


def measures() -> dict[str, str | None]:
    """Return of each measure that a system may refuse: None, or why it is off.

    Raises:
        AvemotionError: The child that tries them did not end well.
        TransientError: The machine has no room for another process now.
    """
    found = run_limited(_try, memory_mb=_MEMORY_MB, time_limit_s=_TIME_LIMIT_S)
    if found["Landlock"] is None and reach_of(imageio_ffmpeg.get_ffmpeg_exe(), "-version").files is None:
        found["Landlock"] = "FFmpeg does not start with its own libraries alone"
    return found


def told() -> tuple[str, ...]:
    """Return the measures as sentences, one each; errors as in ``measures``."""
    return tuple(f"{name} off: {why}" if why else f"{name} on" for name, why in measures().items())


def _try() -> dict[str, str | None]:
    """Take each measure once more; runs in the child, for each may be taken several times."""
    privileges, files = give_up_privileges(), restrict_files((), READ)
    calls = Filter(may_execute=False, may_fork=False, may_write=False).install()
    return {"no new privileges": privileges, "Landlock": files, "seccomp": calls}


if __name__ == "__main__":
    sys.stdout.write("\n".join(told()) + "\n")

"""What one run of OpenFace may use; unlike a decoder's child it writes files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from worker.media.confinement import Reach, confine_this_process

# Models, libraries and pipes.
_OPEN_FILES: Final = 256
# It may be a script, keeps models wherever its operator put them, and writes its table. Its video is one
# that was decoded and encoded anew here, so the bytes it reads are no stranger's.
_REACH: Final = Reach(files=None, may_execute=True, may_fork=True, may_write=True)


@dataclass(frozen=True)
class Limits:
    """An upper use of the machine.

    Attributes:
        memory_bytes: Address space; can be limited on Linux only.
        time_s: Wall clock.
        file_bytes: Size of each file that is written.
    """

    memory_bytes: int
    time_s: float
    file_bytes: int


def limit_child(limits: Limits) -> None:
    """Bind the calling process, and what it starts; called between fork and exec: takes no lock."""
    confine_this_process(
        _REACH,
        memory_bytes=limits.memory_bytes,
        time_limit_s=limits.time_s,
        file_bytes=limits.file_bytes,
        open_files=_OPEN_FILES,
    )

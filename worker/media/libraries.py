"""The reach of a program that decodes: the files that it needs to start, and nothing else."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from worker.media.confinement import Reach, confine_this_process
from worker.media.landlock import EXECUTE, READ

# What the loader looks libraries up in; without it it searches their usual folders.
_CACHE: Final = Path("/etc/ld.so.cache")
# "libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x...)", and the loader itself without an arrow.
_LISTED: Final = re.compile(r"^\s+(?:\S+ => )?(/.+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_TIME_LIMIT_S: Final = 30.0
_MEMORY_BYTES: Final = 2**30


@lru_cache(maxsize=4)
def reach_of(program: str, *trial: str) -> Reach:
    """Return what a program of ours must reach to start: itself, its loader and libraries.

    Found out once in a process, by starting it twice. Where it does not start with those alone, it may
    open what its user may.

    Args:
        program: Its path.
        *trial: Arguments with which it ends at once, and well.
    """
    # The loader lists what it would load, and ends; others take no notice.
    listed = _output([program, *trial], {"LD_TRACE_LOADED_OBJECTS": "1"}, None)
    found = [Path(name) for name in _LISTED.findall(listed or "")]
    reach = Reach((Path(program), _CACHE, *found), READ | EXECUTE, may_execute=True)
    if _output([program, *trial], {}, reach) is not None:
        return reach
    return Reach(files=None, may_execute=True)


def _output(command: Sequence[str], environment: dict[str, str], reach: Reach | None) -> str | None:
    """Return what a command says; None if it does not end well."""

    def prepare() -> None:
        if reach is not None:
            confine_this_process(reach, memory_bytes=_MEMORY_BYTES, time_limit_s=_TIME_LIMIT_S)

    try:
        done = subprocess.run(  # noqa: S603 - the program is ours, and so are the arguments.
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=_TIME_LIMIT_S,
            check=True,
            # Runs between fork and exec and takes no lock.
            preexec_fn=prepare,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace")

"""What TensorFlow prints while it loads."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from worker.model.hardware import cpu_flags

STDERR = 2
# Without this instruction TensorFlow ends the process as it loads, and its last words must be seen.
NEEDED_FLAG = "avx"
NOTICE = re.compile(rb"I\d{4} \d|WARNING: All log messages before absl::InitializeLog\(\)")


@contextmanager
def without_notices() -> Iterator[None]:
    """Keep notices off the standard error while TensorFlow is imported; all else comes after it.

    Its libraries print "oneDNN custom operations are on" as they are loaded, before they read
    ``TF_CPP_MIN_LOG_LEVEL``: no variable stops that, and in a worker's log of JSON lines it is noise.
    """
    if "tensorflow" in sys.modules or NEEDED_FLAG not in cpu_flags():
        yield
        return
    sys.stderr.flush()
    stderr = os.dup(STDERR)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), STDERR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, STDERR)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if not NOTICE.match(line):
                    os.write(STDERR, line)

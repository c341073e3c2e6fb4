"""The C library, for what Python has no function for."""

from __future__ import annotations

import ctypes
import os
import sys

# Loaded here, because after a fork nothing may be loaded that takes a lock.
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def last_error() -> str:
    """Return what the last call complained of."""
    return os.strerror(ctypes.get_errno())

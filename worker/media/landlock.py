"""Landlock: which files a process that reads hostile bytes may reach.

Source: Linux, Documentation/userspace-api/landlock.rst. The numbers of its calls are the same everywhere.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from worker.media.libc import LIBC, last_error

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION: Final = 1
_PATH_BENEATH: Final = 1

EXECUTE: Final = 1 << 0
READ: Final = 1 << 2
# Rights on files that a version of Landlock knows first: all those before it, and these.
_RIGHTS_SINCE: Final = {1: 13, 2: 14, 3: 15, 5: 16}
# To bind and to connect TCP; abstract sockets of, and signals to, processes outside.
_NETWORK, _NETWORK_SINCE = 0b11, 4
_SCOPES, _SCOPES_SINCE = 0b11, 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("parent", ctypes.c_int32))


def restrict_files(files: Iterable[Path], rights: int) -> str | None:
    """Leave the calling process, for ever, these files and no other; return why not, if not.

    What is open already stays open. The process must have given up new privileges.

    Args:
        files: Files; those that are not there are left out.
        rights: What may be done with them, of ``READ`` and ``EXECUTE``.
    """
    if LIBC is None:
        return "not known on this system"
    version = LIBC.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        return last_error()
    known = max(bits for since, bits in _RIGHTS_SINCE.items() if since <= version)
    handled = _Ruleset((1 << known) - 1)
    size = 8
    if version >= _NETWORK_SINCE:
        handled.network, size = _NETWORK, 16
    if version >= _SCOPES_SINCE:
        handled.scopes, size = _SCOPES, 24
    ruleset = LIBC.syscall(_CREATE_RULESET, ctypes.byref(handled), ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return last_error()
    try:
        for file in files:
            with suppress(FileNotFoundError):
                _allow(LIBC, ruleset, file, rights)
        return None if LIBC.syscall(_RESTRICT_SELF, ruleset, 0) == 0 else last_error()
    except OSError as error:
        return error.strerror
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, file: Path, rights: int) -> None:
    opened = os.open(file, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _Beneath(rights, opened)
        if libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(opened)

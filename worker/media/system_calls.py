"""A seccomp filter: which system calls a process that reads hostile bytes may make.

It refuses by name and lets the rest pass, so that a decoder goes on to work with a C library or kernel
that is newer than this list. What is refused fails with EPERM, as for want of a right.
Source: Linux, Documentation/userspace-api/seccomp_filter.rst and the tables of its two architectures.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from functools import lru_cache
from typing import Final

from worker.media.libc import LIBC, last_error

# By architecture: AUDIT_ARCH of linux/audit.h, and the column in the table below.
_ARCHITECTURES: Final = {"x86_64": (0xC000003E, 1), "aarch64": (0xC00000B7, 2)}
# A program of 32 bits has numbers of its own, whatever the machine.
_MACHINE: Final = platform.machine() if sys.maxsize > 2**32 else ""
# Numbers from here on are a second table of x86_64, for 32-bit pointers, with the same calls again.
_X32: Final = 0x40000000

# Name, number on x86_64, number on aarch64; "-" where there is none.
# Nobody who reads media needs these: other processes, the network, the kernel's wider surface.
_NEVER: Final = """
execveat 322 281; ptrace 101 117; process_vm_readv 310 270; process_vm_writev 311 271
process_madvise 440 440; kcmp 312 272; pidfd_open 434 434; pidfd_getfd 438 438; pidfd_send_signal 424 424
rt_sigqueueinfo 129 138; rt_tgsigqueueinfo 297 240; setrlimit 160 164; socket 41 198; socketpair 53 199
io_uring_setup 425 425; io_uring_enter 426 426; io_uring_register 427 427; name_to_handle_at 303 264
open_by_handle_at 304 265; mount 165 40; umount2 166 39; pivot_root 155 41; chroot 161 51; unshare 272 97
setns 308 268; open_tree 428 428; move_mount 429 429; fsopen 430 430; fsconfig 431 431; fsmount 432 432
fspick 433 433; mount_setattr 442 442; bpf 321 280; perf_event_open 298 241; userfaultfd 323 282
add_key 248 217; request_key 249 218; keyctl 250 219; init_module 175 105; finit_module 313 273
delete_module 176 106; kexec_load 246 104; kexec_file_load 320 294; reboot 169 142; swapon 167 224
swapoff 168 225; iopl 172 -; ioperm 173 -; acct 163 89; quotactl 179 60; settimeofday 164 170
clock_settime 227 112; adjtimex 159 171; clock_adjtime 305 266; sethostname 170 161
setdomainname 171 162; syslog 103 116; shmget 29 194; shmat 30 196; msgget 68 186; semget 64 190
mq_open 240 180; fanotify_init 300 262
"""
_WRITING: Final = """
creat 85 -; truncate 76 45; rename 82 -; renameat 264 38; renameat2 316 276; link 86 -; linkat 265 37
unlink 87 -; unlinkat 263 35; symlink 88 -; symlinkat 266 36; mkdir 83 -; mkdirat 258 34; rmdir 84 -
mknod 133 -; mknodat 259 33; chmod 90 -; fchmod 91 52; fchmodat 268 53; fchmodat2 452 452; chown 92 -
fchown 93 55; lchown 94 -; fchownat 260 54; utime 132 -; utimes 235 -; utimensat 280 88; futimesat 261 -
setxattr 188 5; lsetxattr 189 6; fsetxattr 190 7; setxattrat 463 463; removexattr 197 14
lremovexattr 198 15; fremovexattr 199 16; removexattrat 466 466; memfd_create 319 279
memfd_secret 447 447
"""
_BY_ARGUMENT: Final = """
execve 59 221; fork 57 -; vfork 58 -; clone 56 220; clone3 435 435; kill 62 129; tkill 200 130
tgkill 234 131; prlimit64 302 261; open 2 -; openat 257 56; openat2 437 437
"""
# The place of the flags among the arguments.
_OPENING: Final = (("open", 1), ("openat", 2))
_OPEN_TO_WRITE: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CLONE_THREAD: Final = 0x10000

# Instructions of classic BPF: code, jump if true, jump if false, operand.
_Instruction = tuple[int, int, int, int]
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT, _ARGUMENT_BYTES = 0, 4, 16, 8
_ALLOW: Final = (_RETURN, 0, 0, 0x7FFF0000)
_ERRNO: Final = 0x00050000

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


class Filter:
    """A filter for the calling process and what it starts, ready to be installed."""

    def __init__(self, *, may_execute: bool, may_fork: bool, may_write: bool) -> None:
        """Prepare a filter; takes memory and no lock.

        Args:
            may_execute: Whether other programs may be executed.
            may_fork: Whether processes may be started, beside threads, and signalled.
            may_write: Whether files may be made, changed and removed.
        """
        rules = _rules(may_execute, may_fork, may_write)
        if rules is not None and not may_fork:
            # Itself, so that it can abort.
            rules = _only_to(os.getpid()) + rules
        self._code = _start() + rules if rules is not None else None
        size = len(self._code) // 8 if self._code is not None else 0
        self._program = _Program(size, self._code)

    def install(self) -> str | None:
        """Bind the calling process, which must have given up new privileges; return why not, if not."""
        if LIBC is None or self._code is None:
            return "not known on this system"
        done = LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(self._program), 0, 0)
        return None if done == 0 else last_error()


def numbers(table: str) -> dict[str, int]:
    """Return the numbers of a table's calls on this machine; nothing where they are not known."""
    _, column = _ARCHITECTURES.get(_MACHINE, (0, 0))
    entries = [entry.split() for line in table.strip().split("\n") for entry in line.split(";")]
    return {entry[0]: int(entry[column]) for entry in entries if column and entry[column] != "-"}


@lru_cache(maxsize=8)
def _rules(may_execute: bool, may_fork: bool, may_write: bool) -> bytes | None:
    """Return the part of a filter that is the same for every process; None where none is known."""
    number = numbers(_BY_ARGUMENT)
    if not number:
        return None
    rules: list[_Instruction] = []
    refused = [*numbers(_NEVER).values()]
    if not may_execute:
        refused.append(number["execve"])
    if not may_write:
        refused += numbers(_WRITING).values()
        for name, flags_at in _OPENING:
            to_write = [_argument(flags_at), (_ANY_BIT, 0, 1, _OPEN_TO_WRITE), _refuse(), _ALLOW]
            rules += _rule(number.get(name), to_write)
        # Its flags lie in memory, where a filter cannot look; C libraries do without it.
        rules += _rule(number["openat2"], [_refuse(errno.ENOSYS)])
    if not may_fork:
        refused += [number[name] for name in ("fork", "vfork") if name in number]
        thread = [_argument(0), (_ANY_BIT, 1, 0, _CLONE_THREAD), _refuse(), _ALLOW]
        # The same; C libraries fall back to `clone`.
        rules += _rule(number["clone"], thread) + _rule(number["clone3"], [_refuse(errno.ENOSYS)])
    # Limits may be asked for, and not changed: the third argument is no address.
    asked = [_argument(2), (_EQUAL, 0, 2, 0), _argument(2, high=True), (_EQUAL, 1, 0, 0), _refuse(), _ALLOW]
    rules += _rule(number["prlimit64"], asked)
    for call in refused:
        rules += _rule(call, [_refuse()])
    return _packed([*rules, _ALLOW])


def _start() -> bytes:
    """Return the part that refuses all calls by another table of numbers, and loads the number."""
    architecture, _ = _ARCHITECTURES[_MACHINE]
    start = [(_LOAD, 0, 0, _ARCHITECTURE_AT), (_EQUAL, 1, 0, architecture), _refuse()]
    return _packed([*start, (_LOAD, 0, 0, _NUMBER_AT), (_AT_LEAST, 0, 1, _X32), _refuse()])


def _only_to(pid: int) -> bytes:
    """Return the rules by which a process may signal no other."""
    number = numbers(_BY_ARGUMENT)
    to_itself = [_argument(0), (_EQUAL, 1, 0, pid), _refuse(), _ALLOW]
    return _packed([step for name in ("kill", "tkill", "tgkill") for step in _rule(number[name], to_itself)])


def _rule(number: int | None, body: list[_Instruction]) -> list[_Instruction]:
    """Return a body, which must end the filter, for one system call."""
    return [] if number is None else [(_EQUAL, 0, len(body), number), *body]


def _argument(place: int, *, high: bool = False) -> _Instruction:
    """Load half of an argument; both architectures keep the low half first."""
    return (_LOAD, 0, 0, _ARGUMENTS_AT + _ARGUMENT_BYTES * place + 4 * high)


def _refuse(number: int = errno.EPERM) -> _Instruction:
    return (_RETURN, 0, 0, _ERRNO | number)


def _packed(program: list[_Instruction]) -> bytes:
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)

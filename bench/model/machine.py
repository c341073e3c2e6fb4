"""What a measurement was made on."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from worker.model.hardware import available_cores

PACKAGES = ("avemotion", "keras", "numpy", "tensorflow-cpu", "tensorflow", "jax", "torch", "transformers")
# What decides how fast products are; the whole list is long.
FLAG_PREFIXES = ("avx", "amx", "fma", "asimd", "sve", "bf16", "i8mm")
# Variables that change what the libraries compute, or with how many threads.
VARIABLE_PREFIXES = (
    "OMP_",
    "MKL_",
    "KMP_",
    "ONEDNN_",
    "DNNL_",
    "TF_",
    "TORCH_",
    "XLA_",
    "LD_PRELOAD",
    "MALLOC_",
)
CPUINFO, STAT = Path("/proc/cpuinfo"), Path("/proc/stat")
# The columns of /proc/stat in which a processor works: user, nice, system; irq, softirq, steal.
BUSY_COLUMNS = (1, 2, 3, 6, 7, 8)


def facts() -> dict[str, Any]:
    """Return the machine's parts, the versions and the variables that matter."""
    cpu = _cpuinfo()
    flags = (cpu.get("flags") or cpu.get("Features") or "").split()
    return {
        "cpu": cpu.get("model name") or platform.processor() or platform.machine(),
        "flags": sorted(flag for flag in flags if flag.startswith(FLAG_PREFIXES)),
        "cores": available_cores(),
        "memory_bytes": _memory_bytes(),
        "system": platform.platform(),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "versions": {"python": platform.python_version(), **_versions()},
        "variables": {
            name: value for name, value in sorted(os.environ.items()) if name.startswith(VARIABLE_PREFIXES)
        },
    }


class Bystanders:
    """How much of the processors others took since it was made."""

    def __init__(self) -> None:
        """Begin."""
        self._start = time.monotonic()
        self._busy_s = _busy_s()

    def share(self, own_s: float) -> float | None:
        """Return the share that others took, None where the system does not tell.

        Args:
            own_s: Processor seconds of ours in the meantime.
        """
        busy_s = _busy_s()
        if self._busy_s is None or busy_s is None:
            return None
        capacity_s = (time.monotonic() - self._start) * (os.cpu_count() or 1)
        return max(0.0, (busy_s - self._busy_s - own_s) / capacity_s)


def _busy_s() -> float | None:
    try:
        columns = STAT.read_text(encoding="ascii").split("\n", 1)[0].split()
    except OSError:
        return None
    ticks = sum(int(columns[column]) for column in BUSY_COLUMNS)
    return ticks / os.sysconf("SC_CLK_TCK")


def _cpuinfo() -> dict[str, str]:
    """Return what the system says of the first processor."""
    try:
        first = CPUINFO.read_text(encoding="utf-8", errors="replace").split("\n\n", 1)[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions

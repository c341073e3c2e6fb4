"""In which numbers the encoder computes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Precision = Literal["auto", "float32", "bfloat16"]
ChosenPrecision = Literal["float32", "bfloat16"]

# Elsewhere bfloat16 is emulated, and slower than float32.
BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})

_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Return what this processor says it can do; nothing where the system does not tell."""
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    flags = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return frozenset(next(flags, "").split())


def choose_precision(wanted: Precision, flags: frozenset[str]) -> ChosenPrecision:
    """Return the precision to compute in; ``auto`` takes bfloat16 where the processor has it."""
    if wanted != "auto":
        return wanted
    return "bfloat16" if flags & BFLOAT16_FLAGS else "float32"


def dtype_policy(precision: ChosenPrecision) -> str:
    """Return Keras's policy for a precision: weights stay float32 in each."""
    return _POLICIES[precision]

"""In which numbers the encoder computes, and whether its backend compiles them.

Pooled features and heads are float32 in each. With an encoder in bfloat16 the pooled features of random
clips are within 1 % of those in float32 (length of the difference), their cosine is above 0.9999, and the
top class is the same in at least 99 of 100: ``tests/unit/model/test_parity_bfloat16.py``.
"""

from __future__ import annotations

from typing import Literal

from shared.errors import AvemotionError, ErrorCode
from worker.model.hardware import Gpu

Precision = Literal["auto", "float32", "bfloat16", "float16"]
ChosenPrecision = Literal["float32", "bfloat16", "float16"]
Switch = Literal["auto", "on", "off"]

# On other processors bfloat16 is emulated, and slower than float32.
BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def choose_precision(wanted: Precision, flags: frozenset[str], gpu: Gpu | None = None) -> ChosenPrecision:
    """Return the precision to compute in.

    Args:
        wanted: ``auto`` takes bfloat16 where the hardware has it; else float16 on a card, whose float32
            is far slower, and float32 on a processor.
        flags: Of the processor.
        gpu: The card that the backend computes on, None for the processor.

    Raises:
        AvemotionError: ``MODEL_UNAVAILABLE`` for float16 on a processor, which would emulate it.
    """
    if wanted == "float16" and gpu is None:
        raise AvemotionError(
            ErrorCode.MODEL_UNAVAILABLE,
            "A processor does not compute in float16: set AVEMOTION_MODEL_PRECISION to another precision.",
        )
    if wanted != "auto":
        return wanted
    if gpu is not None:
        return "bfloat16" if gpu.has_bfloat16 else "float16"
    return "bfloat16" if flags & BFLOAT16_FLAGS else "float32"


def choose_xla(wanted: Switch, gpu: Gpu | None, backend: str) -> bool:
    """Return whether the backend compiles what it has traced.

    ``auto`` means TensorFlow on a card. On a processor XLA nearly triples the time of a bfloat16 clip;
    torch would ask for a C compiler at run time; JAX compiles whatever is said here.
    """
    return gpu is not None and backend == "tensorflow" if wanted == "auto" else wanted == "on"

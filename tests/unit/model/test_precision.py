from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import AvemotionError, ErrorCode
from worker.model.hardware import Gpu, cpu_flags
from worker.model.precision import Precision, Switch, choose_precision, choose_xla

NEW_CARD, OLD_CARD = Gpu(has_bfloat16=True), Gpu(has_bfloat16=False)


@pytest.mark.parametrize(
    ("wanted", "flags", "gpu", "chosen"),
    [
        ("auto", {"avx2", "avx512f"}, None, "float32"),
        ("auto", {"avx512_bf16"}, None, "bfloat16"),
        ("auto", {"amx_tile", "amx_bf16"}, None, "bfloat16"),
        ("auto", {"amx_tile"}, None, "float32"),
        ("auto", set(), NEW_CARD, "bfloat16"),
        ("auto", {"avx512_bf16"}, OLD_CARD, "float16"),
        ("float32", {"avx512_bf16"}, NEW_CARD, "float32"),
        ("bfloat16", set(), None, "bfloat16"),
        ("float16", set(), NEW_CARD, "float16"),
    ],
)
def test_auto_follows_the_hardware(wanted: Precision, flags: set[str], gpu: Gpu | None, chosen: str) -> None:
    """choose_precision takes bfloat16 where the hardware computes in it, unless told otherwise."""
    assert choose_precision(wanted, frozenset(flags), gpu) == chosen


def test_float16_needs_a_card() -> None:
    """float16 on a processor is a typed error that says what to change."""
    with pytest.raises(AvemotionError, match="AVEMOTION_MODEL_PRECISION") as caught:
        choose_precision("float16", frozenset({"avx512_bf16"}), None)

    assert caught.value.code is ErrorCode.MODEL_UNAVAILABLE


@pytest.mark.parametrize(
    ("wanted", "gpu", "backend", "compiled"),
    [
        ("auto", None, "tensorflow", False),
        ("auto", NEW_CARD, "tensorflow", True),
        ("auto", NEW_CARD, "torch", False),
        ("on", None, "torch", True),
        ("off", NEW_CARD, "tensorflow", False),
    ],
)
def test_xla_is_for_cards(wanted: Switch, gpu: Gpu | None, backend: str, compiled: bool) -> None:
    """choose_xla compiles for TensorFlow on a card, unless told otherwise."""
    assert choose_xla(wanted, gpu, backend) is compiled


def test_flags_are_read_whole(tmp_path: Path) -> None:
    """cpu_flags returns the first processor's flags as words."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("model name\t: Chip\nflags\t\t: fpu avx512_bf16\n\nflags\t\t: other\n")

    assert cpu_flags(cpuinfo) == {"fpu", "avx512_bf16"}


def test_unknown_processor_has_no_flags(tmp_path: Path) -> None:
    """cpu_flags returns nothing where the system has no such file, or it says nothing of flags."""
    empty = tmp_path / "empty"
    empty.write_text("")

    assert cpu_flags(tmp_path / "missing") == cpu_flags(empty) == frozenset()

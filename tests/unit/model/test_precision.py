from __future__ import annotations

from pathlib import Path

import pytest

from worker.model.precision import Precision, choose_precision, cpu_flags, dtype_policy


@pytest.mark.parametrize(
    ("wanted", "flags", "chosen"),
    [
        ("auto", {"avx2", "avx512f"}, "float32"),
        ("auto", {"avx512_bf16"}, "bfloat16"),
        ("auto", {"amx_tile", "amx_bf16"}, "bfloat16"),
        ("auto", {"amx_tile"}, "float32"),
        ("float32", {"avx512_bf16"}, "float32"),
        ("bfloat16", set(), "bfloat16"),
    ],
)
def test_auto_follows_the_processor(wanted: Precision, flags: set[str], chosen: str) -> None:
    """choose_precision takes bfloat16 where the processor computes in it, unless told otherwise."""
    assert choose_precision(wanted, frozenset(flags)) == chosen


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


def test_weights_stay_float32() -> None:
    """dtype_policy names Keras's policies that keep float32 weights."""
    assert (dtype_policy("float32"), dtype_policy("bfloat16")) == ("float32", "mixed_bfloat16")

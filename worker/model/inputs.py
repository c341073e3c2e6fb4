"""What a network is given, held against what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from shared.errors import AvemotionError, ErrorCode

Inputs = Mapping[str, NDArray[Any]]


def count_windows(inputs: Inputs, signature: Mapping[str, tuple[tuple[int, ...], str]], model: str) -> int:
    """Return the number of windows.

    Args:
        inputs: Arrays by name; the windows come first.
        signature: Of the network: shape without the windows, and dtype, by name.
        model: The model's id, for the error.

    Raises:
        AvemotionError: ``INTERNAL_ERROR`` where a name, shape or dtype is another, or counts differ.
    """
    counts = {len(array) for array in inputs.values()}
    given = {name: _describe(str(array.dtype), array.shape[1:]) for name, array in inputs.items()}
    taken = {name: _describe(dtype, shape) for name, (shape, dtype) in signature.items()}
    if given != taken or len(counts) != 1:
        raise AvemotionError(
            ErrorCode.INTERNAL_ERROR,
            f"The model {model} takes {_list(taken)} and was given {_list(given)}, "
            f"of {' and '.join(map(str, sorted(counts))) or 'no'} windows.",
        )
    return counts.pop()


def _describe(dtype: str, shape: tuple[int, ...]) -> str:
    return f"{dtype} (N, {', '.join(map(str, shape))})"


def _list(arrays: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {what}" for name, what in sorted(arrays.items())) or "nothing"

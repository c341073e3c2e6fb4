"""Measuring in turns, so that whatever else the machine does meets everybody."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Samples = dict[str, list[float]]
# For the threads of the one before to fall asleep: some libraries let them wait busily for a moment.
PAUSE_S = 0.02


def interleave(
    turns: Mapping[Key, Callable[[], Samples]],
    rounds: int,
    seconds_limit: float,
    tell: Callable[[int], None],
) -> dict[Key, Samples]:
    """Return all samples of all turns.

    Args:
        turns: What is measured; each call returns samples by name.
        rounds: How often each has its turn. Each round begins with another one.
        seconds_limit: No round but the first begins after it.
        tell: Is told the number of each round that begins, from 1.
    """
    samples: dict[Key, Samples] = {key: defaultdict(list) for key in turns}
    keys = list(turns)
    end = time.monotonic() + seconds_limit
    for number in range(rounds):
        if number and time.monotonic() >= end:
            break
        tell(number + 1)
        first = number % len(keys)
        for key in keys[first:] + keys[:first]:
            time.sleep(PAUSE_S)
            for name, values in turns[key]().items():
                samples[key][name].extend(values)
    return samples

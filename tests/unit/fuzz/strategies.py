"""Spoilt files for hypothesis, which finds the smallest change that breaks something."""

from __future__ import annotations

import os
from collections.abc import Mapping

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from fuzz.mutations import KINDS, LIES, Mutation, mutated

TIMES = int(os.environ.get("AVEMOTION_FUZZ", "1"))
"""How many times as many cases as in a usual run."""


def cases(count: int) -> settings:
    """Return the settings of a test that tries so many cases in a usual run."""
    return settings(
        max_examples=count * TIMES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def spoilt(seeds: Mapping[str, bytes]) -> st.SearchStrategy[bytes]:
    """Return files of a few kinds with a few changes."""
    files = [*seeds.values()]
    longest = max(map(len, files))
    # Headers are short, and everything else hangs on them.
    place = st.integers(0, 300) | st.integers(0, longest)
    piece = st.sampled_from(LIES) | st.binary(max_size=40)
    whole = st.sampled_from(files)
    change = st.one_of(
        st.builds(Mutation, st.sampled_from([*KINDS]), place, st.integers(1, 2000), piece),
        st.builds(Mutation, st.just("splice"), place, st.just(0), whole),
    )
    return st.builds(mutated, whole, st.lists(change, max_size=4)) | st.binary(max_size=200)

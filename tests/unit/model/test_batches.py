from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.model.batches import Batch, Batching, choose_batching, plan_batches, rows_on_cpu
from worker.model.hardware import Gpu


@pytest.mark.parametrize(("largest", "sizes"), [(1, (1,)), (2, (1, 2)), (6, (1, 2, 4, 6)), (8, (1, 2, 4, 8))])
def test_sizes_double(largest: int, sizes: tuple[int, ...]) -> None:
    """The sizes are powers of two and the largest."""
    assert Batching(largest).sizes == sizes


@given(st.integers(0, 100), st.integers(1, 20), st.sampled_from([0.0, 0.125, 0.5, 1.0]))
def test_batches_cover_all_once(count: int, largest: int, padding_share: float) -> None:
    """plan_batches covers each window once, with fixed sizes and no more padding than allowed."""
    batching = Batching(largest, padding_share)
    batches = plan_batches(count, batching)

    assert [index for batch in batches for index in range(batch.start, batch.stop)] == list(range(count))
    for batch in batches:
        assert batch.size in batching.sizes
        assert 0 <= batch.size - (batch.stop - batch.start) <= padding_share * batch.size


def test_rest_is_padded_or_cut() -> None:
    """What is left over is padded where that costs little, and cut into smaller batches elsewhere."""
    assert plan_batches(7, Batching(8, 1 / 8)) == [Batch(0, 7, 8)]
    assert plan_batches(5, Batching(8, 1 / 8)) == [Batch(0, 4, 4), Batch(4, 5, 1)]
    assert plan_batches(13, Batching(8, 1.0)) == [Batch(0, 8, 8), Batch(8, 13, 8)]


@pytest.mark.parametrize(("tokens", "rows"), [(392, 4), (800, 2), (1568, 1), (6000, 1)])
def test_a_processor_takes_few_windows_at_a_time(tokens: int, rows: int) -> None:
    """rows_on_cpu is what keeps a processor busy: four windows of 16x112, two of 16x160, one of 16x224."""
    assert rows_on_cpu(tokens) == rows


def test_batches_suit_the_hardware() -> None:
    """A card takes all that it may, however padded; a processor no more than it is faster with."""
    card = Gpu(has_bfloat16=True)

    assert choose_batching(8, 1568, card) == Batching(8, 1.0)
    assert choose_batching(8, 800, None) == Batching(2, 1 / 8)
    assert choose_batching(3, 100, None) == Batching(3, 1 / 8)

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.constants import depends_on_class_alone


@pytest.mark.parametrize(
    ("truth", "values", "expected"),
    [
        ([0, 0, 1, 1], [0.5, 0.5, -0.5, -0.5], True),
        ([0, 0, 1, 1], [0.5, 0.5, 0.5, 0.5], True),
        ([0, 0, 1, 1], [0.5, 0.5, -0.5, -0.4], False),
        ([0, 0, 1, 1, -1], [0.5, 0.5, -0.5, -0.5, 0.1], True),
        ([0, 0, 1, 1, 1], [0.5, 0.5, -0.5, -0.5, np.nan], True),
        ([0, 1], [0.5, -0.5], False),
        ([0, 0, 1], [0.5, 0.5, -0.5], False),
        ([-1, -1], [0.5, 0.5], False),
        ([], [], False),
    ],
)
def test_a_column_that_tells_no_more_than_the_class_is_seen(
    truth: list[int], values: list[float], expected: bool
) -> None:
    """One value a class in enough samples is a constant; samples without label or value do not matter."""
    assert depends_on_class_alone(np.array(truth, np.int64), np.array(values, np.float32)) is expected

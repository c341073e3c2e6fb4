from __future__ import annotations

import numpy as np

from worker.faces.landmarker.bundle import Network, read_bundle
from worker.faces.landmarker.slopes import repeat_slopes

MODEL = "face_landmarks_detector.tflite"


def test_repeated_slopes_change_no_bit_of_the_landmarks() -> None:
    """The landmark model gives the same bits for any picture, with its slopes repeated and without."""
    model = read_bundle()[MODEL]
    repeated = repeat_slopes(model)
    plain, rearranged = Network(model), Network(repeated)

    # A row of slopes for each of the large activations is more than the model had.
    assert len(repeated) > len(model) + 100_000
    for seed in range(3):
        picture = np.random.default_rng(seed).random((1, 256, 256, 3), dtype=np.float32)
        before, after = plain.run(picture), rearranged.run(picture)
        assert before.keys() == after.keys()
        for name, values in before.items():
            np.testing.assert_array_equal(after[name], values)


def test_repeating_slopes_twice_changes_nothing_more() -> None:
    """Slopes that are rows already are left as they are."""
    once = repeat_slopes(read_bundle()[MODEL])

    assert len(repeat_slopes(once)) == len(once)

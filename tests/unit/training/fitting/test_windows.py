from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.training.features.made import FPS, config, segment
from tests.unit.training.fitting.drawn import a_face, a_voice
from training.features.fusing import fused
from training.features.sample_features import SampleFeatures, series_of
from training.fitting.windows import cut, has_face, has_voice, windows_in


def whole(**parts: object) -> SampleFeatures:
    """Return a segment with its series."""
    made = segment(**parts)  # type: ignore[arg-type]
    assert made.table is not None
    return replace(made, seen=replace(made.seen, series=series_of(made.table, made.windows, config(), FPS)))


@pytest.mark.parametrize("fusion", ["early", "late", "hybrid"])
@pytest.mark.parametrize("place", range(3))
def test_a_window_cut_out_is_the_one_it_was(fusion: str, place: int) -> None:
    """Alone, a window gives a model the inputs that it gives it among the others."""
    segment_ = whole(windows=3)
    model = config(fusion)

    alone = fused(cut(segment_, place), model).inputs

    for name, array in fused(segment_, model).inputs.items():
        np.testing.assert_array_equal(alone[name][0], array[place], err_msg=name)


def test_each_window_of_each_segment_can_be_drawn() -> None:
    """Windows are numbered by segment, then by place."""
    features = replace(segment(), further=(segment(windows=1, start_s=4),))

    assert windows_in(features) == [(0, 0), (0, 1), (1, 0)]


def test_a_window_has_what_serving_would_use() -> None:
    """A face that was found, a voice in a sound that is not silent, and enough of it."""
    both, face, voice = segment(), a_face(), a_voice()
    quiet = replace(both, activity=np.array([0.01, 0.3], np.float32))

    assert has_face(both, 0)
    assert has_voice(both, 0)
    assert (has_face(face, 0), has_voice(face, 0)) == (True, False)
    assert (has_face(voice, 0), has_voice(voice, 0)) == (False, True)
    assert (has_voice(quiet, 0), has_voice(quiet, 1)) == (False, True)
    assert not has_voice(replace(both, silent=True), 0)
    unseen = replace(both, seen=replace(both.seen, found=np.zeros(8, bool)))
    assert not has_face(unseen, 0)

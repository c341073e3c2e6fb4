from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.training.features.made import FPS, config, segment
from training.features.fusing import fused, paired
from training.features.sample_features import SampleFeatures, series_of

FUSIONS = ("early", "late", "hybrid")


def whole(**parts: Any) -> SampleFeatures:
    """Return a segment with its series."""
    made = segment(**parts)
    assert made.table is not None
    return replace(made, seen=replace(made.seen, series=series_of(made.table, made.windows, config(), FPS)))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_segments_follow_each_other(fusion: str) -> None:
    """A long sample's windows are those of its segments, in their order."""
    model = config(fusion)
    parts = [
        whole(),
        whole(first_crop=50, level_db=None, start_s=4),
        whole(windows=1, first_crop=90, start_s=8),
    ]

    joined = fused(replace(parts[0], further=tuple(parts[1:])), model)

    apart = [fused(part, model) for part in parts]
    assert joined.modalities == [window for part in apart for window in part.modalities]
    for name, array in joined.inputs.items():
        np.testing.assert_array_equal(array, np.concatenate([part.inputs[name] for part in apart]))
    np.testing.assert_array_equal(joined.shown, np.concatenate([part.shown for part in apart]))
    assert len(joined.face_coverage) == 5


def test_a_silent_sound_is_not_heard() -> None:
    """Sound that serving takes for silence is no input in training either, whatever its features say."""
    made = fused(replace(whole(), silent=True), config("late"))

    assert made.modalities == [("video",)] * 2
    assert not made.inputs["images"].any()


@pytest.mark.parametrize("windows", [1, 2, 3])
def test_a_face_is_paired_with_another_voice(windows: int) -> None:
    """Window k shows the face's window k with the sound of the voice's window k mod n."""
    face, voice = whole(windows=3, level_db=None), whole(windows=windows, level_db=-40)
    order = np.arange(3) % windows

    pair = paired(face, voice, config("late")).inputs
    np.testing.assert_array_equal(pair["faces"], fused(face, config("late")).inputs["faces"])
    np.testing.assert_array_equal(pair["images"], fused(voice, config("late")).inputs["images"][order])
    np.testing.assert_array_equal(pair["present"], np.ones((3, 2), np.uint8))

    pair = paired(face, voice, config("hybrid")).inputs
    np.testing.assert_array_equal(pair["log_mel"], fused(voice, config("hybrid")).inputs["log_mel"][order])
    np.testing.assert_array_equal(pair["series"], fused(face, config("hybrid")).inputs["series"])


def test_pairs_go_on_from_segment_to_segment() -> None:
    """Neither the segments of the face nor those of the voice begin the count again; a silent one counts."""
    first, last = whole(windows=1), whole(windows=2, first_crop=50, start_s=2)
    face = replace(first, further=(last,))
    voice = replace(whole(windows=1, level_db=-50), further=(whole(windows=1, level_db=-30, silent=True),))

    pair = paired(face, voice, config("late"))

    assert pair.modalities == [("audio", "video"), ("video",), ("audio", "video")]
    np.testing.assert_array_equal(pair.inputs["images"][0], pair.inputs["images"][2])
    np.testing.assert_array_equal(pair.inputs["faces"], fused(face, config("late")).inputs["faces"])


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_pair_without_sound_is_the_face(fusion: str) -> None:
    """A voice that is not there leaves the pictures as they are without it."""
    face, nothing = whole(level_db=None), whole(level_db=None, first_crop=90)

    pair, alone = paired(face, nothing, config(fusion)), fused(face, config(fusion))

    for name, array in pair.inputs.items():
        np.testing.assert_array_equal(array, alone.inputs[name])
    assert pair.modalities == [("video",)] * 2

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from worker.faces.landmarker.action_units import _DATA, ACTION_UNITS, action_units
from worker.faces.landmarker.blendshapes import _POINTS, BLENDSHAPE_NAMES
from worker.faces.table import VALUE_COLUMNS


def shown(**scores: float) -> NDArray[np.float32]:
    """Blendshapes of one frame, (1, 52)."""
    return np.array([[scores.get(name, 0) for name in BLENDSHAPE_NAMES]], dtype=np.float32)


def test_mapping_names_only_what_exists() -> None:
    """Each action unit is a column of the table, and each of its weights is one of a blendshape."""
    named = {name for weights in _DATA["weights"].values() for name in weights}

    assert set(ACTION_UNITS) <= set(VALUE_COLUMNS)
    assert named <= set(BLENDSHAPE_NAMES)


def test_blendshape_model_s_lists_are_whole() -> None:
    """The blendshape model takes 146 of the mesh's 478 points and names 52 movements, each once."""
    assert len(set(_POINTS.tolist())) == 146
    assert _POINTS.max() == 477
    assert len(set(BLENDSHAPE_NAMES)) == 52


def test_a_smile_is_scored_on_openface_s_scale() -> None:
    """A full smile is AU12 at 5, one on one side half of that, and it opens no lips."""
    units = action_units(
        np.concatenate((shown(mouthSmileLeft=1, mouthSmileRight=1), shown(mouthSmileLeft=1)))
    )

    np.testing.assert_allclose(units["AU12_r"], [5, 2.5])
    np.testing.assert_allclose(units["AU25_r"], [0, 0])


def test_intensities_stay_within_the_scale() -> None:
    """All blendshapes at once give no intensity above 5."""
    units = action_units(np.ones((1, 52), dtype=np.float32))

    assert max(values.item() for values in units.values()) == pytest.approx(5)


def test_a_frame_without_a_face_stays_null() -> None:
    """NaN blendshapes give NaN intensities, never 0."""
    units = action_units(np.full((1, 52), np.nan, dtype=np.float32))

    assert all(np.isnan(values).all() for values in units.values())

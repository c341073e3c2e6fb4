from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from worker.faces.landmarker.action_units import _DATA, ACTION_UNITS, MOVEMENTS, action_units, movements
from worker.faces.landmarker.blendshapes import _POINTS, BLENDSHAPE_NAMES
from worker.faces.landmarker.mesh import POINT_COUNT, Mesh
from worker.faces.table import VALUE_COLUMNS

OUTER_CORNERS = (33, 263)
LIDS = ((159, 145), (386, 374))
LIPS = ((13, 14),)


def shown(**scores: float) -> dict[str, NDArray[np.float32]]:
    """The action units of one frame with some blendshapes and movements."""
    blendshapes, moved = (
        np.array([[scores.get(name, 0) for name in names]], dtype=np.float32)
        for names in (BLENDSHAPE_NAMES, MOVEMENTS)
    )
    return action_units(blendshapes, moved)


def face(pairs: tuple[tuple[int, int], ...], opening: float, *, turn: float = 0, scale: float = 100) -> Mesh:
    """A face whose ``pairs`` of points are ``opening`` eye distances apart, turned to the side."""
    points = np.zeros((POINT_COUNT, 3))
    points[list(OUTER_CORNERS), 0] = (-0.5, 0.5)
    for upper, lower in pairs:
        points[[upper, lower], 1] = (-opening / 2, opening / 2)
    cos, sin = np.cos(turn), np.sin(turn)
    turned = (points @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]]) * scale).astype(np.float32)
    return Mesh(turned[:, :2], turned[:, 2], 1.0)


def movement(name: str, mesh: Mesh) -> float:
    return float(movements(mesh)[MOVEMENTS.index(name)])


def test_mapping_names_only_what_exists() -> None:
    """Each action unit is a column of the table; each weight is one of a blendshape or of a movement."""
    named = {name for weights in _DATA["weights"].values() for name in weights}

    assert set(ACTION_UNITS) <= set(VALUE_COLUMNS)
    assert named <= {*BLENDSHAPE_NAMES, *MOVEMENTS}
    assert set(MOVEMENTS) <= named
    assert set(_DATA["at_rest"]) <= set(ACTION_UNITS)


def test_mapping_reaches_the_whole_scale() -> None:
    """All that shows an action unit, fully moved, is an intensity of 5, or less by what is shown at rest."""
    for name, weights in _DATA["weights"].items():
        full = shown(**dict.fromkeys(weights, 1.0))[name].item()
        assert full == pytest.approx(min(5, 5 * (sum(weights.values()) - _DATA["at_rest"].get(name, 0))))
        assert full >= 3 - 1e-6


def test_mapping_treats_both_sides_alike() -> None:
    """A blendshape of the left side weighs what that of the right one does."""
    for weights in _DATA["weights"].values():
        for name, weight in weights.items():
            if name.endswith("Left"):
                assert weights[f"{name.removesuffix('Left')}Right"] == weight


def test_blendshape_model_s_lists_are_whole() -> None:
    """The blendshape model takes 146 of the mesh's 478 points and names 52 movements, each once."""
    assert len(set(_POINTS.tolist())) == 146
    assert _POINTS.max() == 477
    assert len(set(BLENDSHAPE_NAMES)) == 52


def test_a_smile_is_scored_on_openface_s_scale() -> None:
    """A full smile is AU12 at 5, one on one side half of that, and it opens no lips."""
    both, one = shown(mouthSmileLeft=1, mouthSmileRight=1), shown(mouthSmileLeft=1)

    np.testing.assert_allclose((both["AU12_r"], one["AU12_r"]), [[5], [2.5]])
    assert both["AU25_r"].item() == 0


@pytest.mark.parametrize("turn", [0, 0.5])
@pytest.mark.parametrize("scale", [30, 300])
def test_lids_are_read_in_eye_distances(turn: float, scale: float) -> None:
    """Open, closed and wide lids are told apart, however large the face is and however it is turned."""
    opened, closed, wide = (face(LIDS, opening, turn=turn, scale=scale) for opening in (0.1, 0.02, 0.19))

    assert movement("lidsClosed", opened) == movement("lidsWide", opened) == 0
    assert movement("lidsClosed", closed) == pytest.approx(1, abs=1e-4)
    assert movement("lidsWide", closed) == 0
    assert movement("lidsWide", wide) == pytest.approx(1, abs=1e-4)


def test_lips_apart_grow_with_their_gap() -> None:
    """Closed lips are at rest; a gap of 0.35 eye distances, and any wider one, is a full movement."""
    gaps = [movement("lipsApart", face(LIPS, gap)) for gap in (0, 0.175, 0.35, 0.6)]

    np.testing.assert_allclose(gaps, [0, 0.5, 1, 1], atol=1e-4)


def test_one_closed_eye_is_half_a_blink() -> None:
    """With one eye closed and the other open, lids are closed by half."""
    mesh = face(LIDS[:1], 0.02)
    mesh.points[[386, 374], 1] = (-4.5, 4.5)

    assert movement("lidsClosed", mesh) == pytest.approx(0.5, abs=1e-4)


def test_intensities_stay_within_the_scale() -> None:
    """All blendshapes and movements at once give no intensity above 5, none at all none below 0."""
    most = shown(**dict.fromkeys((*BLENDSHAPE_NAMES, *MOVEMENTS), 1.0))

    assert max(values.item() for values in most.values()) == pytest.approx(5)
    assert min(values.item() for values in shown().values()) == 0


def test_a_frame_without_a_face_stays_null() -> None:
    """NaN blendshapes and movements give NaN intensities, never 0."""
    units = action_units(
        np.full((1, len(BLENDSHAPE_NAMES)), np.nan, dtype=np.float32),
        np.full((1, len(MOVEMENTS)), np.nan, dtype=np.float32),
    )

    assert all(np.isnan(values).all() for values in units.values())

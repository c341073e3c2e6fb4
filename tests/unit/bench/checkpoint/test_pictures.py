from __future__ import annotations

import numpy as np
import pytest

from bench.checkpoint.pictures import CHANGES, framed, off_centre, recoded, resized, tinted

RAMP = np.repeat(np.tile(np.arange(50, dtype=np.uint8), (50, 1))[..., None], 3, axis=2)


def test_a_tight_frame_shows_the_middle() -> None:
    """Eight tenths of the side are left, as much being cut off on each side."""
    tight = framed(RAMP, 0.8)
    assert tight.shape == (40, 40, 3)
    assert (tight[0, 0, 0], tight[0, -1, 0]) == (5, 44)
    upright = framed(RAMP.transpose(1, 0, 2), 0.8)
    assert (upright[0, 0, 0], upright[-1, 0, 0]) == (5, 44)


def test_a_loose_frame_goes_on_with_the_border() -> None:
    """The whole picture stands in the middle of a larger one."""
    loose = framed(RAMP, 1.2)
    assert loose.shape == (60, 60, 3)
    assert (loose[5:55, 5:55] == RAMP).all()
    assert (loose[:, :5] == 0).all()
    assert (loose[:, -5:] == 49).all()


def test_off_centre_takes_turns_at_the_four_sides() -> None:
    """Each number is shifted by a tenth, at the same size, and all four ways occur."""
    corners = [off_centre(RAMP, number)[25, 25, 0] for number in range(4)]
    assert corners == [20, 30, 25, 25]
    columns = RAMP.transpose(1, 0, 2)
    assert [off_centre(columns, number)[25, 25, 0] for number in range(4)] == [25, 25, 20, 30]
    assert all(off_centre(RAMP, number).shape == RAMP.shape for number in range(4))


def test_a_tint_makes_all_channels_differ() -> None:
    """Grey becomes coloured, and no level runs over."""
    tinted_ramp = tinted(np.full((2, 2, 3), 200, np.uint8), (1.7, 0.8, 0.55))
    assert tinted_ramp[0, 0].tolist() == [255, 160, 110]


def test_a_jpeg_keeps_the_order_of_colours() -> None:
    """A red picture is still red after it was coded."""
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 200
    coded = recoded(red, 20).astype(int)
    assert coded[..., 0].mean() > 150
    assert coded[..., 2].mean() < 50


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_gives_pictures_of_one_size(name: str) -> None:
    """They are kept as one array: RGB, uint8, whatever the number."""
    changed = [CHANGES[name](RAMP, number) for number in range(4)]
    assert {(each.shape, str(each.dtype)) for each in changed} == {(changed[0].shape, "uint8")}
    assert changed[0].shape[2] == 3


def test_the_first_change_is_none() -> None:
    """What the others are compared with is the picture itself."""
    assert (next(iter(CHANGES.values()))(RAMP, 3) == RAMP).all()


def test_half_resolution_halves_the_sides() -> None:
    """A picture of 50 has 25 pixels a side."""
    assert resized(RAMP, 0.5).shape == (25, 25, 3)

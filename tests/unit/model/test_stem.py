from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.model.minis import randomise
from worker.model.stem import ConvolutionalStem

WIDTH = 24


@pytest.fixture(scope="module")
def stem() -> ConvolutionalStem:
    layer = ConvolutionalStem(WIDTH)
    layer.build((None, 2, 48, 48, 3))
    randomise(layer, scale=0.05)
    return layer


def pictures(frames: int, seed: int = 0) -> NDArray[np.float32]:
    """Return a grey clip (1, frames, 48, 48, 3) around 0."""
    grey = np.random.default_rng(seed).normal(0, 1, (1, frames, 48, 48, 1))
    return np.repeat(grey, 3, axis=-1).astype(np.float32)


def test_a_tubelet_has_as_many_tokens_as_with_patches(stem: ConvolutionalStem) -> None:
    """Four frames of 48x48 pixels are two tubelets of 3x3 tokens."""
    assert np.array(stem(pictures(4))).shape == (1, 18, WIDTH)


def test_a_single_frame_stands_for_two_of_a_kind(stem: ConvolutionalStem) -> None:
    """A still gives the tokens of a tubelet in which nothing moves."""
    still = pictures(1)

    np.testing.assert_allclose(
        np.array(stem(still)), np.array(stem(np.repeat(still, 2, axis=1))), rtol=1e-4, atol=1e-4
    )


def test_light_and_contrast_make_no_difference(stem: ConvolutionalStem) -> None:
    """A picture at half its contrast, and brighter, gives nearly the same tokens; other pictures do not."""
    clip = pictures(2)

    tokens, dimmed, other = (np.array(stem(x)) for x in (clip, 0.5 * clip + 0.7, pictures(2, seed=1)))

    assert np.abs(dimmed - tokens).max() < 0.05 * np.abs(other - tokens).max()


def test_colour_of_the_same_brightness_makes_no_difference(stem: ConvolutionalStem) -> None:
    """A shift of colour that leaves brightness as it was is not seen."""
    clip = pictures(2)
    tint = np.zeros_like(clip)
    tint[..., 0], tint[..., 1] = clip[..., 0] * 0.587, -clip[..., 0] * 0.299

    np.testing.assert_allclose(np.array(stem(clip + tint)), np.array(stem(clip)), rtol=1e-3, atol=1e-3)


def test_motion_within_a_tubelet_counts(stem: ConvolutionalStem) -> None:
    """Two frames in the other order give other tokens."""
    clip = pictures(2)

    assert np.abs(np.array(stem(clip[:, ::-1])) - np.array(stem(clip))).max() > 0.01

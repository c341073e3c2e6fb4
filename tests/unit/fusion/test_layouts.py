from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from tests.unit.fusion.scenes import (
    AUDIO,
    COUNT,
    CROPS,
    FACE_ONLY,
    IMAGES,
    ROWS,
    SIZE,
    VOICE_ONLY,
    heard,
    make_config,
    numbers,
    plain,
    seen,
)
from worker.fusion import FUSIONS, FusedWindows, layouts

fuse = FUSIONS["early"]
HALF = SIZE // 2
A, V, B = layouts.AUDIO, layouts.VIDEO, layouts.BOTH
# Of the first window: image k is 100 + k, face k is k.
ORDERS = {
    "audio-first": [100, 101, 102, 103, 0, 1, 2, 3],
    "video-first": [0, 1, 2, 3, 100, 101, 102, 103],
    "alternating": [100, 101, 0, 1, 102, 103, 2, 3],
}
# The first of each two pictures, with eight a modality, by seed.
SHUFFLED = {0: [106, 104, 102, 4, 100, 6, 0, 2], 1: [104, 0, 6, 2, 100, 4, 106, 102]}
KINDS = {"audio-first": [A, A, V, V], "video-first": [V, V, A, A], "alternating": [A, V, A, V]}


def tubelets(config: ModelConfig) -> NDArray[np.int64]:
    """Return what each token shows, (tubelets, rows, columns)."""
    side = config.input_size // 16
    return layouts.token_modality(config).reshape(-1, side, side)


@pytest.mark.parametrize("layout", ORDERS)
def test_pictures_follow_each_other_in_the_order_of_the_layout(layout: str) -> None:
    """Whole pictures keep their order in time, two of one modality at a time."""
    fused = fuse(seen(), heard(), make_config(layout=layout))

    first, second = numbers(fused.inputs["frames"])
    assert first == ORDERS[layout]
    assert second == [number + (10 if number >= 100 else 4) for number in ORDERS[layout]]
    np.testing.assert_array_equal(fused.shown, fused.inputs["frames"])


@pytest.mark.parametrize("layout", KINDS)
def test_tokens_know_the_picture_that_they_come_from(layout: str) -> None:
    """Each tubelet's tokens are of the modality that its two pictures show."""
    config = make_config(layout=layout)

    kinds = tubelets(config)

    assert kinds.shape == (COUNT, 2, 2)
    assert [tubelet.ravel().tolist() for tubelet in kinds] == [[kind] * 4 for kind in KINDS[layout]]


@pytest.mark.parametrize("layout", [*ORDERS, "random", "stacked"])
def test_what_is_missing_is_black_where_its_tokens_are_hidden(layout: str) -> None:
    """With one modality alone, the pixels of its tokens show it, and all others are black."""
    config = make_config(layout=layout)
    alone: dict[int, FusedWindows] = {
        # Crop 0 is black itself.
        V: fuse(seen(crops=CROPS + 1), FACE_ONLY, config),
        A: fuse(VOICE_ONLY, heard(), config),
    }

    for modality, fused in alone.items():
        frames = fused.inputs["frames"]
        shows = frames.reshape(2, -1, 2, 2, 16, 2, 16, 3).any(axis=(2, 4, 6, 7))
        np.testing.assert_array_equal(shows, np.broadcast_to(tubelets(config) == modality, shows.shape))


def test_stacked_shows_the_face_above_and_the_sound_below() -> None:
    """Each frame is a face and the image of the same moment, both at half their height."""
    config = make_config(layout="stacked")

    fused = fuse(seen(), heard(), config)

    frames = fused.inputs["frames"]
    assert frames.shape == (2, COUNT, SIZE, SIZE, 3)
    assert np.all(frames[:, :, :HALF] == ROWS[:, :, None, None, None])
    assert np.all(frames[:, :, HALF:] == AUDIO[:, :, None, None, None])
    np.testing.assert_array_equal(tubelets(config)[:, 0], np.full((COUNT // 2, 2), V))
    np.testing.assert_array_equal(tubelets(config)[:, 1], np.full((COUNT // 2, 2), A))


def test_stacked_pictures_lose_height_and_nothing_else() -> None:
    """A row of a half is the mean of two rows of its picture, rounded up; columns stay as they are."""
    crops = np.random.default_rng(0).integers(0, 256, CROPS.shape, dtype=np.uint8)

    frames = fuse(seen(crops=crops), heard(), make_config(layout="stacked")).inputs["frames"]

    pairs = crops.reshape(2, COUNT, HALF, 2, SIZE, 3).astype(float)
    np.testing.assert_array_equal(frames[:, :, :HALF], np.ceil(pairs.mean(axis=3)))


def test_summed_is_a_mean_that_never_wraps_around() -> None:
    """Bright pictures stay bright: (255 + 255) is 255 and (255 + 0) is 128, not what bytes make of it."""
    bright = np.full_like(CROPS, 255)
    images = np.full_like(IMAGES, 255)
    images[1] = 0
    config = make_config(layout="summed")

    fused = fuse(seen(crops=bright), heard(images=images), config)

    assert numbers(fused.inputs["frames"]) == [[255] * COUNT, [128] * COUNT]
    assert np.all(tubelets(config) == B)


def test_summed_shows_the_only_modality_as_it_is() -> None:
    """A window with one modality is not darkened by the other, which is not there."""
    config = make_config(layout="summed")

    assert numbers(fuse(seen(), FACE_ONLY, config).inputs["frames"]) == ROWS.tolist()
    assert numbers(fuse(VOICE_ONLY, heard(), config).inputs["frames"]) == AUDIO.tolist()


@pytest.mark.parametrize("seed", SHUFFLED)
def test_random_stands_for_one_order_of_whole_tubelets(seed: int) -> None:
    """A seed's order is part of a checkpoint: the same for all windows, here and with any later numpy."""
    config = make_config(layout="random", layout_seed=seed, num_frame=8, frames=16)
    images = plain(np.array([np.arange(100, 108), np.arange(110, 118)]))
    crops, rows = plain(np.arange(16)), np.arange(16).reshape(2, 8)

    fused = fuse(seen(crops=crops, found=rows.ravel() >= 0, rows=rows), heard(images=images), config)

    first, second = numbers(fused.inputs["frames"])
    assert first == [number + next_ for number in SHUFFLED[seed] for next_ in (0, 1)]
    assert second == [number + (10 if number >= 100 else 8) for number in first]
    assert tubelets(config)[:, 0, 0].tolist() == [A if number >= 100 else V for number in SHUFFLED[seed]]

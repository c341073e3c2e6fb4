"""Draw one window of a real clip as it enters the encoder: docs/sequence.png.

Usage: python -m docs.figures.sequence CLIP

The clip goes through the stages of the service, up to fusion. Text needs OpenCV 5.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.bare import media_stages, store
from docs.figures.text import MARGIN_PX, PALE, Picture, write
from shared.catalog import ModelConfig, load_catalog
from shared.catalog.config import PATCH_SIDE_PX, SHARED_FRAMES, TUBELET_FRAMES
from shared.settings import Settings
from shared.storage import open_storage
from worker.fusion.layouts import AUDIO, VIDEO, arrange
from worker.toolkit import Toolkit

EARLY, LATE = "videomae-tiny-untrained", "videomae-tiny-late-untrained"
FIGURE = Path(__file__).parents[1] / "sequence.png"
LAYOUTS = ("audio-first", "video-first", "alternating", "random", "stacked", "summed")

WIDTH_PX = 1000
LABEL_PX = 128
LARGE_PX, SMALL_PX = 100, 48
WITHIN_PX, BETWEEN_PX = 1, 6
LARGE_STEP_PX = 146
SMALL_STEP_PX = SMALL_PX + 8

EDGE = (230, 230, 230)
SIDES = (("sound", "log-mel above,", "MFCC below"), ("face", "aligned crops"))


def main() -> None:
    """Make the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    joined, present = first_window(parser.parse_args().clip)
    config = load_catalog(None)[EARLY]
    canvas = np.full((2000, WIDTH_PX, 3), 255, np.uint8)
    y = draw_sequence(canvas, config, arrange(config, joined, present)[0], MARGIN_PX)
    y = draw_layouts(canvas, config, joined, y + MARGIN_PX)
    picture = cv2.cvtColor(canvas[: y + MARGIN_PX // 2], cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(FIGURE), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def first_window(clip: Path) -> tuple[Picture, NDArray[np.bool_]]:
    """Return images and then faces of a clip's first window, (1, 2n, size, size, 3), and what it has."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), model=LATE)
        kit = Toolkit(settings, cast("Any", None), open_storage(settings.resolved_storage_url))
        inputs = media_stages(kit, settings, store(kit, clip))
    first = slice(1)
    joined = np.concatenate([inputs["images"][first], inputs["faces"][first]], axis=1)
    return joined, inputs["present"][first].astype(bool)


def draw_sequence(canvas: Picture, config: ModelConfig, frames: Picture, y: int) -> int:
    """Draw the sequence at full length, with its tubelets and tokens; return where it ends."""
    side, patches = config.input_size, (config.input_size // PATCH_SIDE_PX) ** 2
    tokens = config.frames // TUBELET_FRAMES * patches
    write(canvas, "The sequence of one window of 2 s, layout audio-first", y + 16, size=19, weight=600)
    write(
        canvas,
        f"{config.frames} pictures of {side} x {side} pixels. Two make a tubelet, which is {patches} tokens: "
        f"one a patch of {PATCH_SIDE_PX} x {PATCH_SIDE_PX} pixels. {tokens} tokens in all.",
        y + 38,
        colour=PALE,
    )
    y += 52
    step_s = config.window_s / config.num_frame
    for half, (name, *what) in enumerate(SIDES):
        write(canvas, name, y + 44, size=17, weight=600)
        for line, words in enumerate(what):
            write(canvas, words, y + 62 + 15 * line, size=12, colour=PALE)
        shown = frames[half * config.num_frame :][: config.num_frame]
        for place, picture in enumerate(shown):
            tile = with_patches(picture) if place < TUBELET_FRAMES else picture
            x = draw_tile(canvas, tile, place, y, LARGE_PX)
            at_s = (place + 0.5) * step_s
            write(canvas, f"{at_s:.3f} s", y + LARGE_PX + 14, x=x + 32, size=12, colour=PALE)
            if place % TUBELET_FRAMES == 0:
                tubelet = half * config.num_frame // TUBELET_FRAMES + place // TUBELET_FRAMES
                words = f"tubelet {tubelet}: tokens {tubelet * patches} to {(tubelet + 1) * patches - 1}"
                write(canvas, words, y + LARGE_PX + 31, x=x + 4, size=13)
        y += LARGE_STEP_PX
    return y


def draw_layouts(canvas: Picture, config: ModelConfig, joined: Picture, y: int) -> int:
    """Draw the same window in each layout, and with one modality missing; return where they end."""
    write(
        canvas, "The same window in each layout, and with one modality missing", y + 16, size=19, weight=600
    )
    y += 32
    both = np.ones((1, 2), np.bool_)
    for layout in LAYOUTS:
        shared = layout in SHARED_FRAMES
        chosen = config.model_copy(
            update={"layout": layout, "frames": config.num_frame * (1 if shared else 2)}
        )
        y = draw_row(canvas, layout, arrange(chosen, joined, both)[0], y)
    for missing, name in ((AUDIO, "no voice"), (VIDEO, "no face")):
        there = both.copy()
        there[0, missing] = False
        blackened = joined.copy()
        blackened[:, missing * config.num_frame :][:, : config.num_frame] = 0
        y = draw_row(canvas, name, arrange(config, blackened, there)[0], y)
    write(
        canvas,
        "Black pictures enter as they are; their tokens are hidden from attention and left out of the mean.",
        y + 12,
        x=LABEL_PX,
        colour=PALE,
    )
    return y + 18


def draw_row(canvas: Picture, name: str, frames: Picture, y: int) -> int:
    """Draw a window in one row; return where the next one goes."""
    write(canvas, name, y + 30, size=15)
    for place, picture in enumerate(frames):
        draw_tile(canvas, picture, place, y, SMALL_PX)
    return y + SMALL_STEP_PX


def draw_tile(canvas: Picture, picture: Picture, place: int, y: int, side: int) -> int:
    """Draw the picture of one place of a sequence; return its left edge."""
    x = LABEL_PX + place * (side + WITHIN_PX) + place // TUBELET_FRAMES * BETWEEN_PX
    canvas[y : y + side, x : x + side] = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return x


def with_patches(picture: Picture) -> Picture:
    """Return a picture with the edges of its patches drawn, wide enough to be seen when it is small."""
    edges = np.arange(PATCH_SIDE_PX, len(picture), PATCH_SIDE_PX)
    drawn = picture.copy()
    for at in (edges - 1, edges):
        drawn[at] = drawn[:, at] = EDGE
    return drawn


if __name__ == "__main__":
    main()

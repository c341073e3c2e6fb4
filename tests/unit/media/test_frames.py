from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from shared.errors import AvemotionError, ErrorCode
from tests import media_factory as media
from tests.unit.media.looks import MEMORY_MB, TIME_LIMIT_S, look, watch
from worker.media.frames import frame_size, read_frames
from worker.media.probe import MediaInfo

CLIPS = Path(__file__).parents[4] / "shared" / "data" / "clips"


def numbers(frames: list[NDArray[np.uint8]]) -> list[int]:
    return [media.read_number(frame) for frame in frames]


def stream(path: Path, **changes: Any) -> Iterator[NDArray[np.uint8]]:
    """Begin to read all of a file, with one argument or another changed, or what the probe says."""
    info = look(path)
    info = replace(info, **{name: changes.pop(name) for name in vars(info).keys() & changes.keys()})
    arguments: dict[str, Any] = {
        "start_s": 0,
        "end_s": info.duration_s,
        "fps": 25,
        "max_side": 640,
        "memory_mb": MEMORY_MB,
        "time_limit_s": TIME_LIMIT_S,
        **changes,
    }
    return read_frames(path, info, **arguments)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Hold every test to leaving no decoder, zombie or file behind."""
    process = psutil.Process()
    files = process.num_fds()
    # Servers of other tests may run on.
    before = process.children()
    yield
    assert [child for child in process.children() if child not in before] == []
    assert process.num_fds() == files


@pytest.fixture(scope="module")
def long_clips(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a video of twelve seconds in a container, made once."""
    folder = tmp_path_factory.mktemp("clips")

    def clip(suffix: str) -> Path:
        path = folder / f"clip{suffix}"
        return path if path.exists() else media.video(path, frames=300)

    return clip


@pytest.mark.parametrize(
    "suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi", ".flv", ".ts", ".wmv", ".mpg", ".m1v"]
)
@pytest.mark.parametrize(("start_s", "end_s"), [(0, 12), (5, 7), (9.96, 12)])
def test_spans(long_clips: Callable[[str], Path], suffix: str, start_s: float, end_s: float) -> None:
    """Frame k of a span shows what the media show at its start + k / fps, wherever the span starts."""
    seen = numbers(watch(long_clips(suffix), start_s, end_s))
    expected = [round(start_s * 25) + k for k in range(round((end_s - start_s) * 25))]
    # MPEG program streams tell the time of a few frames only: one of those between may be off by one.
    tolerance = 1 if suffix == ".mpg" else 0
    assert len(seen) == len(expected)
    assert np.abs(np.subtract(seen, expected)).max() <= tolerance


def test_segments_join(long_clips: Callable[[str], Path]) -> None:
    """Spans that follow each other give each frame once."""
    clip = long_clips(".mp4")
    seen = [number for start in (0, 3, 6, 9) for number in numbers(watch(clip, start, start + 3))]
    assert seen == list(range(300))


@pytest.mark.parametrize(
    ("fps", "expected"), [(50, [0, 0, 1, 1, 2, 2]), (12.5, [0, 2, 4, 6, 8, 10]), (1, [0, 25, 50])]
)
def test_rates(tmp_path: Path, fps: float, expected: list[int]) -> None:
    """Another rate than the media's repeats frames or leaves some out; frame k is what is seen at k / fps."""
    path = media.video(tmp_path / "clip.mp4", frames=75)
    assert numbers(watch(path, 0, len(expected) / fps, fps=fps)) == expected


def test_thirty_to_twenty_five(tmp_path: Path) -> None:
    """Media at 29.97 frames a second give 25 a second, in step to the end."""
    path = media.video(tmp_path / "clip.mp4", frames=300, fps=30_000 / 1001)
    seen = numbers(watch(path))
    frame_at = (np.arange(len(seen)) / 25 + 0.002) * 30_000 / 1001
    assert seen == [min(299, math.floor(at + 1e-3)) for at in frame_at]
    assert len(seen) == math.ceil(300 * 1001 / 30_000 * 25)


def test_variable_rate(tmp_path: Path) -> None:
    """Uneven frames become even ones, and a span that starts inside a long frame starts with that frame."""
    path = media.variable_rate_webm(tmp_path / "clip.webm", times_s=[0, 0.04, 0.48, 1.6, 2.4])
    assert numbers(watch(path, 0, 2.4, fps=12.5)) == [0, *[1] * 5, *[2] * 14, *[3] * 10]
    assert numbers(watch(path, 1.0, 2.0, fps=5)) == [2, 2, 2, 3, 3]


def test_late_start(tmp_path: Path) -> None:
    """Before the first frame of a video that starts after its sound, its copies stand in."""
    path = media.video(
        tmp_path / "clip.mkv", frames=25, times_s=[1 + k / 25 for k in range(25)], sound=media.tone(2)
    )
    assert numbers(watch(path)) == [0] * 25 + list(range(25))


def test_end_of_media(tmp_path: Path) -> None:
    """A span beyond the end has the frames that there are; one behind the end has none."""
    path = media.video(tmp_path / "clip.mp4")
    assert numbers(watch(path, 1.6, 10)) == list(range(40, 50))
    assert watch(path, 5, 10) == []
    assert watch(path, 1, 1) == []


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (160, 120, (160, 120)),
        (64, 36, (64, 36)),
        (2, 2, (2, 2)),
        (3, 5, (3, 5)),
        (1000, 600, (640, 384)),
        (3840, 2160, (640, 360)),
        (2000, 2, (640, 1)),
    ],
)
def test_sizes(tmp_path: Path, width: int, height: int, expected: tuple[int, int]) -> None:
    """Large pictures are made to fit, small ones stay as they are."""
    path = media.video(tmp_path / "clip.mp4", width=width, height=height, frames=3)
    frames = watch(path)
    assert [frame.shape for frame in frames] == [(expected[1], expected[0], 3)] * 3
    assert frame_size(look(path), 640) == expected
    assert frames[0].dtype == np.uint8


def test_content(tmp_path: Path) -> None:
    """Pictures come with red, green and blue where they belong."""
    colours = np.zeros((3, 64, 64, 3), np.uint8)
    colours[:] = (200, 100, 30)
    for frame in watch(media.video(tmp_path / "clip.mp4", frames=colours)):
        assert np.abs(frame.reshape(-1, 3).mean(0) - (200, 100, 30)).max() < 6


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation(tmp_path: Path, rotation: int) -> None:
    """A phone's video that metadata turn comes upright."""
    upright = watch(media.face_video(tmp_path / "upright.mp4", duration_s=0.2, sound=False))
    turned = watch(media.face_video(tmp_path / "turned.mp4", duration_s=0.2, sound=False, rotation=rotation))
    assert turned[0].shape == upright[0].shape == (288, 386, 3)
    assert np.abs(np.subtract(turned, upright, dtype=np.float32)).mean() < 4


def test_mirrored(tmp_path: Path) -> None:
    """A video whose metadata swap left and right comes as it is to be seen, and not upside down."""
    pictures = np.zeros((3, 64, 96, 3), np.uint8)
    pictures[:, :32, :48] = 255
    for frame in watch(media.video(tmp_path / "clip.mp4", frames=pictures, mirrored=True)):
        corners = [frame[16, 24], frame[16, 72], frame[48, 24], frame[48, 72]]
        assert [int(corner[0]) > 127 for corner in corners] == [False, True, False, False]


@pytest.mark.parametrize("rotation", [0, 90])
def test_size_changes_on_the_way(tmp_path: Path, rotation: int) -> None:
    """A stream whose pictures grow half-way still gives pictures of one size, each in its time."""
    late = [2 + k / 25 for k in range(50)]
    small = media.video(tmp_path / "small.ts")
    large = media.video(tmp_path / "large.ts", width=320, height=240, times_s=late)
    path = tmp_path / "clip.ts"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    size = {} if rotation == 0 else {"rotation": rotation, "width": 120, "height": 160}
    frames = list(stream(path, **size))
    assert {frame.shape for frame in frames} == {(120, 160, 3) if rotation == 0 else (160, 120, 3)}
    assert numbers([np.rot90(frame, -rotation // 90) for frame in frames]) == [*range(50), *range(50)]


def test_cut_off(tmp_path: Path) -> None:
    """Of a file that was cut off come the frames that are left."""
    path = media.half_faststart(tmp_path / "half.mp4")
    seen = numbers(watch(path, 0, 4))
    assert seen == list(range(len(seen)))
    assert 40 < len(seen) < 60


def test_no_video(tmp_path: Path) -> None:
    """Sound alone has no pictures to read."""
    with pytest.raises(AvemotionError) as caught:
        watch(media.audio(tmp_path / "song.wav"))
    assert caught.value.code is ErrorCode.NO_VIDEO_STREAM


def test_nothing_decodes(tmp_path: Path) -> None:
    """Pictures that went bad since the probe are unreadable; FFmpeg's words stay in the cause."""
    path = media.video(tmp_path / "clip.mp4")
    frames = stream(path)
    media.undecodable(path)
    with pytest.raises(AvemotionError) as caught:
        list(frames)
    assert caught.value.code is ErrorCode.MEDIA_UNREADABLE
    assert "ffmpeg" not in caught.value.message.lower()
    assert "ffmpeg ended" in str(caught.value.__cause__)


def test_only_one_demuxer(tmp_path: Path) -> None:
    """FFmpeg opens a file with the demuxer that the sniffer named, or not at all."""
    path = media.video(tmp_path / "clip.mp4")
    with pytest.raises(AvemotionError) as caught:
        list(stream(path, demuxer="avi"))
    assert caught.value.code is ErrorCode.MEDIA_UNREADABLE


def test_bomb(tmp_path: Path) -> None:
    """A small file that unpacks to ten thousand huge pictures runs into the time limit."""
    with pytest.raises(AvemotionError) as caught:
        list(stream(media.bomb(tmp_path / "bomb.webm"), time_limit_s=1))
    assert caught.value.code is ErrorCode.TIMEOUT


def test_memory(tmp_path: Path) -> None:
    """A decoder that needs more memory than allowed says so."""
    grey = np.full((1, 4320, 7680, 3), 128, np.uint8)
    with pytest.raises(AvemotionError) as caught:
        list(stream(media.video(tmp_path / "clip.mp4", frames=grey), memory_mb=260))
    assert caught.value.code is ErrorCode.OUT_OF_MEMORY


def test_slow_reader(tmp_path: Path) -> None:
    """Time that the reader takes for itself is not held against the decoder."""
    frames = stream(media.video(tmp_path / "clip.mp4", frames=20), time_limit_s=1.5)
    seen = 0
    for _ in frames:
        seen += 1
        time.sleep(0.1)
    assert seen == 20


def test_checkpoint(tmp_path: Path) -> None:
    """A checkpoint that raises ends the decoder in the middle of its work."""
    asked: list[int] = []

    def cancel() -> None:
        asked.append(1)
        if len(asked) > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(stream(media.bomb(tmp_path / "bomb.webm"), checkpoint=cancel))


def test_closed_half_way(tmp_path: Path) -> None:
    """A reader that stops half-way leaves no decoder behind (the fixture looks)."""
    before = psutil.Process().children()
    frames = stream(media.video(tmp_path / "clip.mp4"))
    assert media.read_number(next(frames)) == 0
    assert psutil.Process().children() != before
    frames.close()  # type: ignore[attr-defined]


def test_reader_that_fails(tmp_path: Path) -> None:
    """An exception in the reader's loop leaves no decoder behind once the generator is let go."""

    def fail() -> None:
        for _ in stream(media.video(tmp_path / "clip.mp4")):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def test_environment_is_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder does not see the worker's addresses and keys, and it is limited."""
    monkeypatch.setenv("AVEMOTION_DATABASE_URL", "postgresql://secret")
    before = psutil.Process().children()
    frames = stream(media.video(tmp_path / "clip.mp4"))
    next(frames)
    (decoder,) = (child for child in psutil.Process().children() if child not in before)
    assert decoder.environ() == {"MALLOC_ARENA_MAX": "1"}
    assert decoder.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
    assert decoder.rlimit(psutil.RLIMIT_AS) == (MEMORY_MB * 2**20,) * 2
    assert os.getpgid(decoder.pid) == decoder.pid
    frames.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("clip", ["mead_M003_disgust.mp4", "grid_bbaf2n.mpg"])
def test_real_clips(clip: str) -> None:
    """Recordings from real cameras give a frame for every 40 ms of their length."""
    path = CLIPS / clip
    if not path.exists():
        pytest.skip("The shared clips are not here.")
    info: MediaInfo = look(path)
    frames = watch(path)
    assert len(frames) == math.ceil(info.duration_s * 25 - 1e-3)
    assert frames[0].shape == (*reversed(frame_size(info, 640)), 3)
    assert 20 < np.mean(frames[len(frames) // 2]) < 235

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from shared.errors import TransientError
from tests import media_factory as media
from tests.unit.faces.clips import carphone
from worker.faces.openface.video import MAX_SIDE, fitted_size, read_back, write_video


def nothing() -> None:
    pass


def test_it_is_a_plain_video(tmp_path: Path) -> None:
    """OpenFace gets H.264 with usual chroma, at a constant rate, without sound or rotation."""
    write_video(media.numbered(30), tmp_path / "video.mp4", fps=29.97, checkpoint=nothing)

    with av.open(tmp_path / "video.mp4") as container:
        [stream] = container.streams
        assert isinstance(stream, av.VideoStream)
        times = [frame.pts for frame in container.decode(stream)]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.average_rate) == (160, 120, Fraction(2997, 100))
    assert len(times) == 30
    assert np.ptp(np.diff(np.array(times, dtype=float))) <= 1


@pytest.mark.parametrize(
    ("size", "fitted"),
    [
        ((640, 360), (640, 360)),
        ((1280, 720), (1280, 720)),
        ((1920, 1080), (1280, 720)),
        ((1080, 1920), (720, 1280)),
        ((176, 144), (176, 144)),
        ((64, 36), (213, 120)),
        ((5000, 10), (1280, 3)),
        ((1, 1), (120, 120)),
        ((3000, 1), (1280, 1)),
    ],
)
def test_size_is_one_that_openface_takes(size: tuple[int, int], fitted: tuple[int, int]) -> None:
    """Large pictures are made smaller, tiny ones larger, and all others are left as they are."""
    assert fitted_size(*size) == fitted
    assert max(fitted) <= MAX_SIDE


@pytest.mark.parametrize(("width", "height"), [(161, 121), (640, 359), (61, 33), (2, 2000), (1, 1)])
def test_sizes_become_even(tmp_path: Path, width: int, height: int) -> None:
    """An odd picture is padded; how it was scaled is told, so that points can be taken back."""
    frames = np.full((2, height, width, 3), 90, np.uint8)

    video = write_video(frames, tmp_path / "video.mp4", fps=25, checkpoint=nothing)

    [(_, frame)] = read_back(video, [1], nothing)
    fitted = fitted_size(width, height)
    assert frame.shape[:2] == (fitted[1] + fitted[1] % 2, fitted[0] + fitted[0] % 2)
    assert (video.scale_x * width, video.scale_y * height) == pytest.approx(fitted)


@pytest.mark.parametrize(("width", "height"), [(161, 120), (640, 359)])
def test_padding_moves_no_pixel(tmp_path: Path, width: int, height: int) -> None:
    """Fine stripes stay sharp where a picture is odd: it is not scaled by a pixel."""
    stripes = np.where(np.add.outer(np.arange(height), np.arange(width)) // 2 % 2, 180, 60)
    frames = np.repeat(stripes[None, :, :, None], 3, axis=-1).astype(np.uint8)

    video = write_video(frames, tmp_path / "video.mp4", fps=25, checkpoint=nothing)

    [(_, frame)] = read_back(video, [0], nothing)
    assert np.abs(frame[:height, :width].astype(int) - frames[0]).max() < 20


def test_wanted_frames_come_back(tmp_path: Path) -> None:
    """Frames are found by their number, in order, and a number beyond the end is none."""
    video = write_video(media.numbered(40), tmp_path / "video.mp4", fps=25, checkpoint=nothing)

    seen = list(read_back(video, [39, 0, 17, 40], nothing))

    assert [index for index, _ in seen] == [0, 17, 39]
    assert [media.read_number(frame) for _, frame in seen] == [0, 17, 39]


def test_pictures_are_hardly_changed(tmp_path: Path) -> None:
    """What encoding loses is small: OpenFace's numbers move with it."""
    frames = carphone()[:10]

    video = write_video(frames, tmp_path / "video.mp4", fps=25, checkpoint=nothing)

    seen = np.stack([frame for _, frame in read_back(video, range(10), nothing)])
    # Of the light alone; chroma is halved in any case.
    error = (seen.astype(float) - frames).mean(axis=-1)
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 43


def test_no_frames_make_no_file(tmp_path: Path) -> None:
    """Without frames there is nothing to write."""
    video = write_video([], tmp_path / "video.mp4", fps=25, checkpoint=nothing)

    assert video.frames == 0
    assert not video.path.exists()
    assert list(read_back(video, [], nothing)) == []


def test_no_room_may_pass(tmp_path: Path) -> None:
    """A folder that cannot be written to is no fault of the video: it may be tried again."""
    with pytest.raises(TransientError):
        write_video(media.numbered(3), tmp_path / "missing" / "video.mp4", fps=25, checkpoint=nothing)


def test_a_full_disk_may_pass() -> None:
    """A disk that fills up on the way is the same."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    noise = np.random.default_rng(0).integers(0, 256, (100, 120, 160, 3), dtype=np.uint8)
    with pytest.raises(TransientError):
        write_video(noise, full, fps=25, checkpoint=nothing)


def test_checkpoint_may_stop_the_work(tmp_path: Path) -> None:
    """What the checkpoint raises comes out as it is, while writing and while reading."""

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        write_video(media.numbered(3), tmp_path / "video.mp4", fps=25, checkpoint=stop)
    video = write_video(media.numbered(3), tmp_path / "video.mp4", fps=25, checkpoint=nothing)
    with pytest.raises(InterruptedError):
        list(read_back(video, [2], stop))

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from shared.errors import AvemotionError, ErrorCode
from tests import media_factory as media
from tests.unit.media.looks import MEMORY_MB, look
from worker.media.probe import MediaInfo, probe

CONTAINERS = [".mp4", ".mov", ".mkv", ".webm", ".avi", ".flv", ".mpg", ".ts", ".wmv"]


def refusal(path: Path, **limits: float) -> AvemotionError:
    with pytest.raises(AvemotionError) as caught:
        look(path, **limits)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_containers(tmp_path: Path, suffix: str) -> None:
    """Probe measures the same two seconds of video and sound in every container."""
    info = look(media.video(tmp_path / f"clip{suffix}", sound=True))
    assert (info.width, info.height, info.rotation) == (160, 120, 0)
    assert info.has_video
    assert info.has_audio
    assert info.frame_count == 50
    # Where times cannot be negative, the sound's lead-in shifts the picture by up to one frame.
    assert info.duration_s == pytest.approx(2, abs=0.045)
    assert info.audio_duration_s == pytest.approx(2, abs=0.045)
    assert info.fps == pytest.approx(25, abs=0.6)
    assert (info.sample_rate, info.channels) == (48_000, 1)
    assert not info.truncated


def test_no_sound(tmp_path: Path) -> None:
    """Video without sound has no sound and nothing said about it."""
    info = look(media.video(tmp_path / "clip.mp4"))
    assert not info.has_audio
    assert (info.sample_rate, info.channels, info.audio_duration_s) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("song.mp4", lambda path: media.encoded_audio(path, "aac")),
        ("song.wav", media.audio),
        ("song.aiff", media.audio),
        ("song.mp3", media.audio),
        ("cover.mp3", media.song_with_cover),
        ("cover.m4a", media.song_with_cover),
    ],
)
def test_sound_alone(tmp_path: Path, name: str, write: Callable[[Path], Path]) -> None:
    """Sound alone, be it in a video container or with a cover picture, is no video."""
    info = look(write(tmp_path / name))
    assert not info.has_video
    assert (info.width, info.fps, info.frame_count) == (None, None, 0)
    assert info.has_audio
    assert info.duration_s == pytest.approx(1, abs=0.03)
    assert not info.truncated


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (96_000, 1), (48_000, 2), (48_000, 6)])
def test_sound_formats(tmp_path: Path, rate: int, channels: int) -> None:
    """Probe states rate and channels as stored."""
    info = look(
        media.audio(tmp_path / "song.wav", wave=media.tone(1, rate=rate, channels=channels), rate=rate)
    )
    assert (info.sample_rate, info.channels) == (rate, channels)
    assert info.duration_s == pytest.approx(1)


@pytest.mark.parametrize("rotation", [90, 270])
def test_rotation(tmp_path: Path, rotation: int) -> None:
    """A picture that metadata turn has the size that it is seen in."""
    info = look(media.video(tmp_path / "phone.mp4", rotation=rotation))
    assert (info.width, info.height) == (120, 160)
    assert info.rotation % 360 == rotation


def test_oblong_pixels() -> None:
    """Pixels that are not square are counted as squares: a face keeps its shape."""
    info = look(media.face_clip())
    assert (info.width, info.height) == (193, 144)


def test_variable_rate(tmp_path: Path) -> None:
    """A browser's recording, uneven and without a duration in its header, is measured by its packets."""
    times_s = [0, 0.04, 0.5, 0.6, 1.7, 1.8, 1.9, 2.5, 2.6]
    info = look(media.variable_rate_webm(tmp_path / "clip.webm", times_s=times_s))
    assert info.header_duration_s is None
    assert info.duration_s == pytest.approx(2.64)
    assert info.fps == pytest.approx(8 / 2.6)
    assert info.frame_count == 9


@pytest.mark.parametrize(("width", "height"), [(64, 36), (2, 2), (3, 5), (3840, 2160)])
def test_sizes(tmp_path: Path, width: int, height: int) -> None:
    """Pictures may be tiny, odd or 4K."""
    info = look(media.video(tmp_path / "clip.mp4", width=width, height=height, frames=3))
    assert (info.width, info.height) == (width, height)


@pytest.mark.parametrize("sound", [False, True])
def test_cut_off_after_its_index(tmp_path: Path, sound: bool) -> None:
    """Half a file is as long as what is left of it, and says that it was cut off."""
    info = look(media.half_faststart(tmp_path / "half.mp4", sound=sound))
    assert info.header_duration_s == pytest.approx(4, abs=0.05)
    assert 1.5 < info.duration_s < 2.5
    assert info.truncated


def test_cut_off_by_its_duration(tmp_path: Path) -> None:
    """A WebM that ends before the duration in its header was cut off."""
    path = media.video(tmp_path / "half.webm", frames=100)
    os.truncate(path, path.stat().st_size // 2)
    info = look(path)
    assert info.header_duration_s == pytest.approx(4)
    assert info.duration_s < 3.5
    assert info.truncated


def test_cut_off_wav(tmp_path: Path) -> None:
    """A WAV that is shorter than its header says is as long as what is there."""
    path = media.audio(tmp_path / "song.wav")
    os.truncate(path, path.stat().st_size // 2)
    assert look(path).duration_s == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_header_claims_ten_hours(tmp_path: Path, suffix: str) -> None:
    """A header's lie is not believed, and a file that keeps all its frames was not cut off."""
    info = look(media.ten_hours(tmp_path / f"clip{suffix}"), max_duration_s=60)
    assert info.duration_s == pytest.approx(2, abs=0.05)
    assert not info.truncated


def test_header_duration_is_reported(tmp_path: Path) -> None:
    """What a wrong header claims is told along with the truth."""
    assert look(media.ten_hours(tmp_path / "clip.webm")).header_duration_s == 36_000


def test_too_long(tmp_path: Path) -> None:
    """Media beyond the limit are refused, whatever their header says."""
    times_s = [k * 600.0 for k in range(60)]
    error = refusal(media.video(tmp_path / "clip.mkv", frames=60, times_s=times_s), max_duration_s=3600)
    assert error.code is ErrorCode.MEDIA_TOO_LONG
    assert "3600 seconds" in error.message


@pytest.mark.parametrize(
    ("side", "sentence"),
    [(100_000, "beyond what any decoder takes"), (16_000, "Pictures of 16000x16000 are larger")],
)
def test_header_claims_giant_pictures(tmp_path: Path, side: int, sentence: str) -> None:
    """Pictures beyond the limit are refused by what the header says, before any is decoded."""
    error = refusal(media.giant_header(tmp_path / "clip.avi", side=side))
    assert error.code is ErrorCode.MEDIA_TOO_LARGE
    assert sentence in error.message


def test_max_pixels(tmp_path: Path) -> None:
    """The limit on pixels is inclusive."""
    path = media.video(tmp_path / "clip.mp4", frames=3)
    assert look(path, max_pixels=160 * 120).width == 160
    assert refusal(path, max_pixels=160 * 120 - 1).code is ErrorCode.MEDIA_TOO_LARGE


def test_bomb(tmp_path: Path) -> None:
    """A small file of ten thousand huge pictures is measured without unpacking it."""
    path = media.bomb(tmp_path / "bomb.webm")
    assert path.stat().st_size < 200_000
    info = look(path, time_limit_s=10)
    assert info.frame_count == 10_000
    assert info.duration_s == pytest.approx(400)


def test_no_moov(tmp_path: Path) -> None:
    """An MP4 without its index is unreadable, with a hint at why."""
    error = refusal(media.no_moov(tmp_path / "clip.mp4"))
    assert error.code is ErrorCode.MEDIA_UNREADABLE
    assert "index" in error.message


def test_nothing_decodes(tmp_path: Path) -> None:
    """Video of which no picture can be decoded is unreadable."""
    error = refusal(media.undecodable(tmp_path / "clip.mp4"))
    assert error.code is ErrorCode.MEDIA_UNREADABLE
    assert "can be decoded" in error.message


def test_only_sound_decodes(tmp_path: Path) -> None:
    """Where pictures are noise and the sound is whole, there is sound and no video."""
    info = look(media.undecodable(tmp_path / "clip.mp4", sound=True))
    assert not info.has_video
    assert info.has_audio
    assert info.duration_s == pytest.approx(2, abs=0.05)


def test_empty_file(tmp_path: Path) -> None:
    """An empty file is unreadable and is called empty."""
    path = tmp_path / "clip.mp4"
    path.touch()
    with pytest.raises(AvemotionError, match="empty") as caught:
        probe(path, "mov", max_pixels=10**6, max_duration_s=60, memory_mb=MEMORY_MB, time_limit_s=10)
    assert caught.value.code is ErrorCode.MEDIA_UNREADABLE


@pytest.mark.parametrize(
    "demuxer", ["mov", "matroska", "avi", "flv", "mpeg", "mpegts", "ogg", "asf", "wav", "mp3"]
)
def test_noise(tmp_path: Path, demuxer: str) -> None:
    """Noise is unreadable to every demuxer, and crashes none."""
    path = tmp_path / "noise"
    path.write_bytes(np.random.default_rng(7).bytes(100_000))
    with pytest.raises(AvemotionError) as caught:
        probe(path, demuxer, max_pixels=10**6, max_duration_s=60, memory_mb=MEMORY_MB, time_limit_s=20)
    assert caught.value.code is ErrorCode.MEDIA_UNREADABLE


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7])
@pytest.mark.parametrize("suffix", CONTAINERS)
def test_damage(tmp_path: Path, suffix: str, share: float) -> None:
    """A file with some bytes overwritten ends in a measurement or in a typed error."""
    path = media.video(tmp_path / f"clip{suffix}", sound=True)
    data = bytearray(path.read_bytes())
    spots = np.random.default_rng(3).integers(100, len(data), round(share * 1000))
    for spot in spots:
        data[spot] ^= 0x55
    path.write_bytes(data)
    try:
        outcome = "measured" if look(path, time_limit_s=20).duration_s > 0 else "of no length"
    except AvemotionError as error:
        outcome = error.code.code
    assert outcome in ("measured", "media_unreadable", "media_too_large", "media_too_long")


def test_joined_recordings(tmp_path: Path) -> None:
    """Where two recordings were joined and times jump by hours, the jump is no part of the duration."""
    late = [86_000 + k / 25 for k in range(50)]
    first = media.video(tmp_path / "first.ts").read_bytes()
    second = media.video(tmp_path / "second.ts", times_s=late).read_bytes()
    path = tmp_path / "joined.ts"
    path.write_bytes(first + second)
    assert look(path).duration_s == pytest.approx(4, abs=0.2)


def test_playlist_is_not_followed(tmp_path: Path) -> None:
    """A playlist handed in as a stream of transport packets opens nothing that it names."""
    media.video(tmp_path / "target.ts")
    path = tmp_path / "list.ts"
    path.write_text(f"#EXTM3U\n#EXTINF:2,\nfile://{tmp_path}/target.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(AvemotionError) as caught:
        probe(path, "mpegts", max_pixels=10**6, max_duration_s=60, memory_mb=MEMORY_MB, time_limit_s=10)
    assert caught.value.code is ErrorCode.MEDIA_UNREADABLE


def test_checkpoint(tmp_path: Path) -> None:
    """A checkpoint that raises aborts a probe."""

    def cancel() -> None:
        raise KeyboardInterrupt

    path = media.video(tmp_path / "clip.mp4")
    with pytest.raises(KeyboardInterrupt):
        probe(
            path,
            "mov",
            max_pixels=10**6,
            max_duration_s=60,
            memory_mb=MEMORY_MB,
            time_limit_s=10,
            checkpoint=cancel,
        )


def test_round_trip(tmp_path: Path) -> None:
    """What probe finds survives the way through JSON columns."""
    info = look(media.video(tmp_path / "clip.mp4", sound=True))
    assert MediaInfo(**asdict(info)) == info

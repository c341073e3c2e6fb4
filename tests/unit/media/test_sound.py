from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.errors import AvemotionError, ErrorCode
from tests import media_factory as media
from tests.unit.media.looks import MEMORY_MB, TIME_LIMIT_S, listen, look
from worker.media.sound import SAMPLE_RATE_HZ, read_sound

NoisyClips = Callable[[str], tuple[Path, NDArray[np.float32]]]


def pitch_hz(sound: NDArray[np.float32]) -> float:
    """Return the strongest frequency."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum)) * SAMPLE_RATE_HZ / len(sound)


def peak(sound: NDArray[np.float32]) -> float:
    """Return the amplitude, away from where a codec fades in and out."""
    return float(np.abs(sound[1000:-1000]).max())


def noise(duration_s: float) -> tuple[media.Sound, NDArray[np.float32]]:
    """Return noise at 48 kHz and what of it should be left at 16 kHz."""
    rough = np.random.default_rng(5).normal(size=round(duration_s * SAMPLE_RATE_HZ)) * 0.1
    smooth = np.convolve(rough, np.hanning(9) / np.hanning(9).sum(), "same").astype(np.float32)
    ticks = np.arange(len(smooth) * 3) / 3
    return np.interp(ticks, np.arange(len(smooth)), smooth).astype(np.float32)[:, None], smooth


@pytest.fixture(scope="module")
def noisy_clips(tmp_path_factory: pytest.TempPathFactory) -> NoisyClips:
    """Return a clip of six seconds of noise in a container, made once, and what should be heard of it."""
    folder = tmp_path_factory.mktemp("clips")
    wave, original = noise(6)

    def clip(name: str) -> tuple[Path, NDArray[np.float32]]:
        path = folder / name
        return path if path.exists() else media.video(path, frames=150, sound=wave), original

    return clip


def delay_samples(sound: NDArray[np.float32], original: NDArray[np.float32]) -> int:
    """Return by how much the sound lags, where it is most alike."""
    length = 2 * len(sound)
    likeness = np.fft.irfft(np.fft.rfft(sound, length) * np.conj(np.fft.rfft(original, length)))
    best = int(np.argmax(likeness))
    return best if best < len(sound) else best - length


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff", ".ogg", ".mp3"])
@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
def test_rates(tmp_path: Path, suffix: str, rate: int) -> None:
    """Sound of any rate comes at 16 kHz, with its pitch, loudness and length."""
    path = media.audio(tmp_path / f"song{suffix}", wave=media.tone(1, rate=rate), rate=rate)
    sound = listen(path)
    assert sound.dtype == np.float32
    assert len(sound) == pytest.approx(SAMPLE_RATE_HZ, abs=1000)
    assert pitch_hz(sound) == pytest.approx(440, abs=2)
    assert peak(sound) == pytest.approx(0.5, abs=0.06)


def test_96_khz(tmp_path: Path) -> None:
    """What a recording at 96 kHz holds above 8 kHz does not fold down."""
    wave = (media.tone(1, rate=96_000) + media.tone(1, rate=96_000, hertz=15_000)) * np.float32(0.5)
    sound = listen(media.audio(tmp_path / "song.wav", wave=wave, rate=96_000))
    assert len(sound) == SAMPLE_RATE_HZ
    assert peak(sound) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_channels(tmp_path: Path, channels: int) -> None:
    """Channels that say the same are as loud together as one alone."""
    sound = listen(media.audio(tmp_path / "song.wav", wave=media.tone(1, channels=channels)))
    assert peak(sound) == pytest.approx(0.5, abs=0.01)


def test_one_ear(tmp_path: Path) -> None:
    """What one of two channels says is heard at half its loudness."""
    wave = media.tone(1, channels=2)
    wave[:, 1] = 0
    assert peak(listen(media.audio(tmp_path / "song.wav", wave=wave))) == pytest.approx(0.25, abs=0.01)


def test_silence(tmp_path: Path) -> None:
    """Silence is zeros."""
    sound = listen(media.audio(tmp_path / "song.wav", wave=np.zeros((48_000, 1), np.float32)))
    assert len(sound) == SAMPLE_RATE_HZ
    assert not sound.any()


def test_not_a_number(tmp_path: Path) -> None:
    """Samples that are no number, or endless, or too loud, leave none such behind."""
    wave = media.tone(1)
    wave[1000:1010], wave[20_000], wave[30_000:30_100] = np.nan, np.inf, 1e20
    sound = listen(media.audio(tmp_path / "song.wav", wave=wave, subtype="FLOAT"))
    assert len(sound) == SAMPLE_RATE_HZ
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= 1
    assert peak(sound[12_000:]) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("name", "delay_limit_s"),
    [
        ("clip.mp4", 0.0001),
        ("clip.mkv", 0.0006),  # Counts whole milliseconds.
        ("clip.webm", 0.0015),
        # These keep the silence that the encoder puts in front.
        ("clip.flv", 0.025),
        ("clip.ts", 0.025),
        ("clip.avi", 0.04),
        ("clip.mpg", 0.02),
        ("clip.wmv", 0.05),
    ],
)
@pytest.mark.parametrize(("start_s", "end_s"), [(0, 6), (3, 5), (4.015, 6)])
def test_spans(
    noisy_clips: NoisyClips, name: str, delay_limit_s: float, start_s: float, end_s: float
) -> None:
    """A span of a video's sound starts where it should, also where the codec needs a run-up."""
    path, original = noisy_clips(name)
    sound = listen(path, start_s, end_s)
    wanted = original[round(start_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)]
    assert len(sound) == pytest.approx(len(wanted), abs=500)
    delay_s = delay_samples(sound[: len(wanted)], wanted[: len(sound)]) / SAMPLE_RATE_HZ
    assert -0.0006 <= delay_s <= delay_limit_s


@pytest.mark.parametrize("name", ["song.wav", "song.flac", "song.mp3", "song.ogg"])
def test_spans_of_sound_files(tmp_path: Path, name: str) -> None:
    """A span of a sound file is that part of the whole, to the sample."""
    wave, _ = noise(6)
    path = media.audio(tmp_path / name, wave=wave)
    part, whole = listen(path, 3.3, 5.1), listen(path)
    assert len(part) == round(1.8 * SAMPLE_RATE_HZ)
    assert np.abs(part - whole[round(3.3 * SAMPLE_RATE_HZ) :][: len(part)]).max() < 0.01


def test_gap(tmp_path: Path) -> None:
    """Where packets are missing in the middle there is silence, and what follows stays in its place."""
    wave, original = noise(6)
    path = media.video(tmp_path / "clip.mkv", frames=150, sound=wave, sound_gap_s=(2, 4))
    sound = listen(path)
    assert not sound[round(2.2 * SAMPLE_RATE_HZ) : round(3.8 * SAMPLE_RATE_HZ)].any()
    late = slice(round(4.5 * SAMPLE_RATE_HZ), round(5.5 * SAMPLE_RATE_HZ))
    assert abs(delay_samples(sound[late], original[late])) <= 0.0006 * SAMPLE_RATE_HZ


def test_end_of_media(tmp_path: Path) -> None:
    """A span beyond the end has the sound that there is; one behind the end has none."""
    path = media.audio(tmp_path / "song.wav")
    assert len(listen(path, 0.5, 9)) == SAMPLE_RATE_HZ // 2
    assert len(listen(path, 5, 9)) == 0
    assert len(listen(path, 0.5, 0.5)) == 0


def test_no_sound(tmp_path: Path) -> None:
    """A video without sound has none to read."""
    assert len(listen(media.video(tmp_path / "clip.mp4"))) == 0


def test_cover_picture(tmp_path: Path) -> None:
    """A cover picture does not get in the way."""
    assert pitch_hz(listen(media.song_with_cover(tmp_path / "song.mp3"))) == pytest.approx(440, abs=2)


def test_file_gone_bad(tmp_path: Path) -> None:
    """Sound that went bad since the probe is unreadable."""
    path = media.audio(tmp_path / "song.flac")
    info = look(path)
    path.write_bytes(np.random.default_rng(1).bytes(20_000))
    with pytest.raises(AvemotionError) as caught:
        read_sound(path, info, start_s=0, end_s=1, memory_mb=MEMORY_MB, time_limit_s=TIME_LIMIT_S)
    assert caught.value.code is ErrorCode.MEDIA_UNREADABLE


def test_checkpoint(tmp_path: Path) -> None:
    """A checkpoint that raises aborts."""

    def cancel() -> None:
        raise KeyboardInterrupt

    path = media.audio(tmp_path / "song.wav")
    info = look(path)
    with pytest.raises(KeyboardInterrupt):
        read_sound(
            path,
            info,
            start_s=0,
            end_s=1,
            memory_mb=MEMORY_MB,
            time_limit_s=TIME_LIMIT_S,
            checkpoint=cancel,
        )

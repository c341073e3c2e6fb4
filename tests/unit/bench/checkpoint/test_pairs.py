from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bench.checkpoint import sounds
from bench.checkpoint.clips import emotion_in
from bench.checkpoint.figures import label_of
from bench.checkpoint.pairs import draw_pairs, joined
from shared.settings import Settings
from tests.unit.bench.checkpoint.material import LABELS, face, still_features, voice, voice_features

FACES = [face(f"{label}{number}", label) for label in LABELS for number in range(20)]
VOICES = [
    voice(f"{speaker}{label}{take}", label, speaker)
    for speaker in ("03", "08")
    for label in LABELS
    for take in range(2)
]


def test_a_pair_agrees_in_class_and_its_rival_does_not() -> None:
    """The rival is another class's, by the same speaker, so that one fold's model can judge both."""
    for pair in draw_pairs(FACES, VOICES, 30, 0):
        assert label_of(pair.face) == label_of(pair.voice) != label_of(pair.other)
        assert pair.voice.speaker == pair.other.speaker


def test_classes_are_even_and_no_face_stands_twice() -> None:
    """Thirty pairs of three classes: ten each, of thirty faces."""
    pairs = draw_pairs(FACES, VOICES, 30, 0)
    assert Counter(label_of(pair.face) for pair in pairs) == dict.fromkeys(LABELS, 10)
    assert len({pair.face.id for pair in pairs}) == 30


def test_each_voice_is_used_before_any_is_used_again() -> None:
    """Ten pairs of a class with four voices: two or three with each."""
    used = Counter(pair.voice.id for pair in draw_pairs(FACES, VOICES, 30, 0))
    assert set(used) == {sample.id for sample in VOICES}
    assert max(used.values()) - min(used.values()) <= 1
    # With few pairs it is chance, and not the order of the files, that picks.
    first = {pair.voice.id for seed in range(6) for pair in draw_pairs(FACES, VOICES, 3, seed)}
    assert len(first) > len(LABELS)


def test_the_seed_decides() -> None:
    """The same pairs come with the same seed, others with another."""
    assert draw_pairs(FACES, VOICES, 30, 0) == draw_pairs(FACES, VOICES, 30, 0)
    assert draw_pairs(FACES, VOICES, 30, 0) != draw_pairs(FACES, VOICES, 30, 1)


def test_a_class_without_voices_is_left_out() -> None:
    """Nobody speaks with surprise: no face of it is paired."""
    pairs = draw_pairs([*FACES, face("s", "surprise")], VOICES, 30, 0)
    assert {label_of(pair.face) for pair in pairs} == set(LABELS)


def test_a_still_stands_as_long_as_the_voice_speaks() -> None:
    """Each window of the voice shows the face, with its measures, and keeps its sound."""
    spoken, seen = voice_features(3), still_features()
    clip = joined(seen, spoken)
    assert clip.windows == spoken.windows
    assert clip.seen.rows.shape == (3, 8)
    assert (clip.seen.rows == 0).all()
    assert clip.seen.series is not None
    assert seen.seen.series is not None
    assert clip.seen.series.shape == (3, *seen.seen.series.shape[1:])
    assert (clip.seen.series == seen.seen.series).all()
    assert clip.sound is spoken.sound
    assert not clip.silent


def test_clips_are_labelled_by_their_names() -> None:
    """The last word of MEAD's clips is the emotion; GRID is read neutrally; others are not known."""
    assert emotion_in("mead_W036_happiness") == "happiness"
    assert emotion_in("grid_brbk7n") == "neutral"
    assert emotion_in("holiday_001") is None


def test_sounds_are_changed_as_their_names_say(tmp_path: Path) -> None:
    """A second at each end, decibels, a signal-to-noise ratio, and never beyond full scale."""
    generator = np.random.default_rng(0)
    wave = 0.1 * np.sin(np.arange(16_000) / 20)
    assert len(sounds.padded(wave, 1)) == 48_000
    assert np.abs(sounds.amplified(wave, -20)).max() == pytest.approx(0.01, rel=1e-3)
    assert np.abs(sounds.amplified(wave, 40)).max() == 1
    noise = sounds.with_noise(wave, generator, 20) - wave
    assert 10 * np.log10(np.mean(wave**2) / np.mean(noise**2)) == pytest.approx(20, abs=0.3)
    assert 10 * np.log10(np.mean(sounds.white(2, -40, generator) ** 2)) == pytest.approx(-40, abs=0.3)
    assert not sounds.white(2, -np.inf, generator).any()
    again = sounds.read(sounds.write(tmp_path / "sound", wave), Settings())
    assert again == pytest.approx(wave, abs=1e-4)


@pytest.mark.parametrize("name", [name for name, change in sounds.CHANGES.items() if change.coding])
def test_each_codec_is_one_that_can_be_heard_again(tmp_path: Path, name: str) -> None:
    """What FFmpeg codes comes back through the worker's decoder, about as long and as loud."""
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    again = sounds.read(sounds.write(tmp_path / "a.b", wave, sounds.CHANGES[name].coding), Settings())
    assert len(again) == pytest.approx(16_000, abs=2_000)
    assert again.std() == pytest.approx(wave.std(), rel=0.3)

"""Folders of generated voices whose class is plain to hear, and a recipe that is quick to follow."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests import media_factory as media
from tests.media_encoding import SOUND_RATE_HZ

# Pitch in hertz, and syllables a second.
CLASSES = {"anger": (300.0, 6.0), "neutral": (160.0, 3.0), "sadness": (80.0, 1.0)}
# Constants of the class, as nobody annotated these sounds.
AFFECT = {"anger": (-0.5, 0.6), "neutral": (0.0, 0.0), "sadness": (-0.6, -0.4)}
COLUMNS = ("path", "emotion", "speaker", "fold", "valence", "arousal", "affect_source")
# An epoch is over in no time: enough of them to be caught in the middle on a busy machine.
EPOCHS = 16

# A frozen encoder: following the gradient through all of it takes longer than all else together.
RECIPE = f"""
id = "made-voices"
description = "A network that tells generated voices from each other."
labels = ["anger", "neutral", "sadness"]
seed = 3
drop_path = 0.1
validation = 0.0

[model]
preset = "nano"
fusion = "early"
layout = "audio-first"
frames = 8
input_size = 48
num_frame = 4
window_s = 1.0
normalisation = {{ mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] }}

[model.audio]
sample_rate_hz = 16000
frame_samples = 400
hop_samples = 160
mel_bands = 64
mfcc_count = 13
lowest_hz = 20.0
highest_hz = 8000.0
floor_db = -90.0
image_span_s = 1.0

[sources.made]
dataset = "manifest"

[[phases]]
name = "voices"
draw = "voices"
frozen = ["backbone"]
epochs = {EPOCHS}
batch = 4
learning_rate = 1e-2
warmup_epochs = 1
weight_decay = 0.01
ema = 0.5
mixup = 0.0
augmentation = {{ sound = 0.5 }}
"""


def write_recipe(path: Path) -> Path:
    """Write the recipe; return its path."""
    path.write_text(RECIPE, encoding="utf-8")
    return path


def write_voices(folder: Path, *, each: int = 4, speakers: int = 2) -> Path:
    """Write a data set of voices of a second, with a manifest; return its folder.

    Args:
        folder: Made if missing.
        each: Voices of each class and speaker.
        speakers: Each has a fold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[Sequence[object]] = []
    for speaker in range(1, speakers + 1):
        for emotion, (hertz, tempo_hz) in CLASSES.items():
            for take in range(each):
                name = f"{speaker}-{emotion}-{take}.wav"
                wave = media.voice(1.0, hertz=hertz * (1 + 0.03 * speaker + 0.01 * take))
                times_s = np.arange(len(wave)) / SOUND_RATE_HZ
                beat = 0.55 + 0.45 * np.sin(2 * np.pi * tempo_hz * (times_s + 0.1 * take))
                media.audio(folder / name, wave=(wave * beat[:, None]).astype(np.float32))
                rows.append((name, emotion, speaker, speaker, *AFFECT[emotion], "class_constant"))
    write_manifest(folder, rows)
    return folder


def write_manifest(folder: Path, rows: Sequence[Sequence[object]]) -> None:
    """Write a manifest, a file a row."""
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def read_manifest(folder: Path) -> list[list[str]]:
    """Return the rows of a manifest."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]

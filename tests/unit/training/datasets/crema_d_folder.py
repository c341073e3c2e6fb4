"""A folder like CREMA-D's repository."""

from __future__ import annotations

from pathlib import Path

from tests.unit.training.datasets.folders import files

CODES = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
SENTENCES = ("IEO", "TIE", "IOM", "IWW")
ACTORS = range(1001, 1008)
CLIPS = [f"{actor}_{sentence}_{code}_XX" for actor in ACTORS for sentence in SENTENCES for code in CODES]


def published(folder: Path, clips: list[str] = CLIPS, *, video: bool = True, sound: bool = True) -> Path:
    """Write the folders of the published repository."""
    files(folder, (f"VideoFlash/{clip}.flv" for clip in clips if video))
    files(folder, (f"AudioWAV/{clip}.wav" for clip in clips if sound))
    return folder

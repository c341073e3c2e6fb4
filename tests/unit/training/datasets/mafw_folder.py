"""A folder like MAFW as its authors send it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.unit.training.datasets.folders import MAFW_EMOTIONS, files, workbook

CLIPS = [f"{19 + 7 * k:05d}" for k in range(55)]
SINGLE = {clip: MAFW_EMOTIONS[k % 11] for k, clip in enumerate(CLIPS)}
COMPOUND = {clip: f"{SINGLE[clip]}_surprise" for clip in CLIPS[:5]}
DFER_CLIP = ("happiness", "sadness", "neutral", "anger", "surprise", *MAFW_EMOTIONS[1:3], *MAFW_EMOTIONS[7:])


def label_book(folder: Path, labels: dict[str, str], name: str = "single") -> None:
    """Write ``single-set.xlsx`` or ``multi-set.xlsx`` with 13 columns, the label in the last."""
    rows = []
    for clip, emotions in labels.items():
        numbers = [MAFW_EMOTIONS.index(emotion) + 1 for emotion in emotions.split("_")]
        label = numbers[0] if name == "single" else ",".join(map(str, numbers))
        rows.append((f"{clip}.mp4", *[0.5] * 11, label))
    workbook(folder / f"Labels/{name}-set.xlsx", [("clip", *MAFW_EMOTIONS, f"{name}_label"), *rows])


def sets(
    folder: Path,
    labels: dict[str, str],
    kind: str = "single",
    line: Callable[[str, str], bytes] = lambda clip, label: f"{clip}.mp4 {label}\n".encode(),
    captions: str = "no_caption",
) -> Path:
    """Write five sets, each of which tests every fifth clip; return their folder."""
    place = folder / "Train & Test Set" / kind / captions
    for number in range(1, 6):
        parts: dict[str, list[bytes]] = {"train": [], "test": []}
        for k, (clip, label) in enumerate(labels.items()):
            parts["test" if k % 5 + 1 == number else "train"].append(line(clip, label))
        for part, lines in parts.items():
            path = place / f"set_{number}" / f"{part}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(lines))
    return place


def published(folder: Path, clips: Sequence[str] = CLIPS) -> Path:
    """Write clips, labels and sets as the authors hand them out."""
    files(folder, (f"data/clips/{clip}.mp4" for clip in clips))
    label_book(folder, SINGLE)
    sets(folder, SINGLE)
    return folder


def captioned(clip: str, label: str) -> bytes:
    return (
        f"{clip}.mp4\t{label}\t".encode()
        + "一个女生眼含着泪水".encode("gb18030")
        + b"\tA girl \x93cries\x94\n"
    )

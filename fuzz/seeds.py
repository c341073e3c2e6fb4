"""Whole files that the mutations start from: small, generated, none of them anybody's."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

from tests import media_factory as make
from tests.unit.faces.openface.tables import EVERYTHING, WITH_LANDMARKS, table

LENGTH_S: Final = 0.2
VIDEOS: Final = ("mp4", "mov", "webm", "mkv", "avi", "flv", "mpg", "ts", "wmv")
SOUNDS: Final = ("wav", "flac", "ogg", "mp3", "aiff")
CODED: Final = {"m4a": "aac", "aac": "aac"}


@lru_cache(maxsize=1)
def media() -> dict[str, bytes]:
    """Return a file of each container, by its suffix: some 2 to 30 kB, a fifth of a second."""
    found: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory(prefix="avemotion-fuzz-") as name:
        folder = Path(name)
        for suffix in VIDEOS:
            path = folder / f"clip.{suffix}"
            sound = suffix in {"mp4", "webm", "avi"}
            found[suffix] = make.video(path, width=64, height=36, frames=5, sound=sound).read_bytes()
        for suffix in SOUNDS:
            path = make.audio(folder / f"sound.{suffix}", wave=make.tone(LENGTH_S))
            found[suffix] = path.read_bytes()
        for suffix, codec in CODED.items():
            path = make.encoded_audio(folder / f"coded.{suffix}", codec, wave=make.tone(LENGTH_S))
            found[suffix] = path.read_bytes()
    return found


@lru_cache(maxsize=1)
def tables() -> dict[str, bytes]:
    """Return tables of OpenFace, of few rows."""
    odd: list[dict[str, object]] = [
        {"pose_Rx": "nan"},
        {"x_0": "1e400"},
        {"success": 0},
        {"frame": -1},
        {"confidence": "-inf"},
    ]
    return {
        "usual": table(5, WITH_LANDMARKS),
        "all columns": table(2, EVERYTHING, separator=", ", line_end="\r\n"),
        "odd": table(odd, WITH_LANDMARKS),
        "utf-16": table(1, WITH_LANDMARKS).decode().encode("utf-16"),
    }


@lru_cache(maxsize=1)
def weights() -> dict[str, bytes]:
    """Return a file of weights of each kind, of a model of few numbers."""
    # Loads TensorFlow and torch.
    from fuzz.preset import MINI  # noqa: PLC0415
    from tests.unit.model import source_files as files  # noqa: PLC0415

    tensors = files.official(MINI)
    with tempfile.TemporaryDirectory(prefix="avemotion-fuzz-") as name:
        folder = Path(name)
        ordered = files.innat(tensors, MINI)
        model = files.write_savedmodel(folder / "saved", ordered)
        written = {
            "pth": files.write_torch(folder / "a.pth", tensors),
            "safetensors": files.write_safetensors(folder / "a.safetensors", files.huggingface(tensors)),
            "zip": files.write_zip(folder / "a.zip", model),
            "h5": files.write_keras_h5(folder / "a.h5", ordered, MINI.depth),
        }
        return {kind: path.read_bytes() for kind, path in written.items()} | {"bomb": _bomb(folder)}


def _bomb(folder: Path) -> bytes:
    """Return a zip of a SavedModel whose variables unpack to a hundred megabytes of nothing."""
    path = folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/variables/variables.index", bytes(1000))
        archive.writestr("m/variables/variables.data-00000-of-00001", bytes(100_000_000))
    return path.read_bytes()


SEEDS: Final[dict[str, Callable[[], dict[str, bytes]]]] = {
    "sniff": media,
    "ingest": media,
    "openface": tables,
    "weights": weights,
}

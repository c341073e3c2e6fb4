"""Features of one sample as an ``.npz`` of plain arrays; nothing in it is executed.

Opening 34,000 stills must not take minutes, and each array in a file costs as much as a small file does: all
that is small stands in one of them, as JSON. The series is not kept but taken from the face table whenever
it is asked for, so that another choice of columns needs no other analysis.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from training.features.extraction import still_fps
from training.features.sample_features import SampleFeatures, series_of
from worker.audio.features import SoundFeatures
from worker.faces.table import FaceTable
from worker.fusion import Seen
from worker.windows import Window

# Raised whenever the form of a file changes.
FORMAT = 1

_FACTS = "facts"
_FAULTS = (
    *(AttributeError, EOFError, IndexError, KeyError, OSError, RuntimeError, TypeError, ValueError),
    *(zipfile.BadZipFile, zlib.error),
)

Arrays = Mapping[str, NDArray[Any]]
Facts = dict[str, Any]


def dump(features: SampleFeatures, *, is_still: bool) -> bytes:
    """Return the content of a file with these features."""
    arrays: dict[str, Any] = {
        f"{name}{number}": array
        for number, part in enumerate(features.segments)
        for name, array in _arrays(part).items()
    }
    facts = {"still": is_still, "segments": [_facts(part) for part in features.segments]}
    arrays[_FACTS] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def load(path: Path, config: ModelConfig, settings: Settings) -> SampleFeatures:
    """Return the features in a file, with the series that a configuration asks for.

    Args:
        path: The file.
        config: Of the model.
        settings: Those with which the features were made.

    Raises:
        FileNotFoundError: There is none.
        AvemotionError: ``TRAINING_FAILED``: the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        facts = json.loads(arrays[_FACTS].tobytes())
        rate = still_fps(config) if facts["still"] else settings.fps
        first, *further = [
            _with_series(_segment(part, _numbered(arrays, number), settings.fps), config, rate)
            for number, part in enumerate(facts["segments"])
        ]
    except FileNotFoundError:
        raise
    except _FAULTS as error:
        message = f"{path} is damaged ({error}); delete it, and these features are made again."
        raise AvemotionError(ErrorCode.TRAINING_FAILED, message) from error
    return replace(first, further=tuple(further))


def _arrays(part: SampleFeatures) -> Arrays:
    """Return what is large of one segment."""
    arrays: dict[str, NDArray[Any]] = {"crops": part.seen.crops}
    if part.table is not None:
        arrays["table"] = np.column_stack([part.table.confidence, part.table.success, part.table.values])
    if part.sound is not None:
        arrays |= {"log_mel": part.sound.log_mel, "mfcc": part.sound.mfcc}
    return arrays


def _facts(part: SampleFeatures) -> Facts:
    """Return what is small of one segment. Floats come back from JSON as they were."""
    table, sound = part.table, part.sound
    return {
        "windows": [[window.start_s, window.end_s] for window in part.windows],
        "rows": part.seen.rows.tolist(),
        "found": part.seen.found.tolist(),
        "first_frame": int(table.frame[0]) - 1 if table is not None and len(table) else 0,
        "activity": part.activity.tolist(),
        "silent": part.silent,
        "sound": None if sound is None else {"hop_s": sound.hop_s, "start_s": sound.start_s},
    }


def _numbered(arrays: Arrays, number: int) -> Arrays:
    """Return the arrays of one segment by their names."""
    return {
        name.removesuffix(str(number)): array
        for name, array in arrays.items()
        if name.rstrip("0123456789") + str(number) == name
    }


def _segment(facts: Facts, arrays: Arrays, fps: float) -> SampleFeatures:
    """Return a segment without its series."""
    seen = Seen(arrays["crops"], np.array(facts["found"], np.bool_), np.array(facts["rows"], np.int64))
    return SampleFeatures(
        windows=tuple(Window(index, *span) for index, span in enumerate(facts["windows"])),
        seen=seen,
        sound=SoundFeatures(arrays["log_mel"], arrays["mfcc"], **facts["sound"]) if facts["sound"] else None,
        activity=np.array(facts["activity"], np.float32),
        silent=facts["silent"],
        table=_table(arrays["table"], facts["first_frame"], fps) if "table" in arrays else None,
    )


def _table(stored: NDArray[np.float32], first_frame: int, fps: float) -> FaceTable:
    """Return the face table of a segment; its frames follow each other."""
    frame = np.arange(first_frame + 1, first_frame + 1 + len(stored), dtype=np.int64)
    confidence, success, values = np.split(stored, [1, 2], axis=1)
    return FaceTable(
        frame,
        (frame - 1) / fps,
        confidence[:, 0],
        success[:, 0].astype(np.bool_),
        np.ascontiguousarray(values),
    )


def _with_series(part: SampleFeatures, config: ModelConfig, fps: float) -> SampleFeatures:
    """Return a segment with the series that a model takes."""
    if part.table is None:
        return part
    series = series_of(part.table, part.windows, config, fps)
    return replace(part, seen=replace(part.seen, series=series))

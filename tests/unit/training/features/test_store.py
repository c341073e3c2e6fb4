from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.catalog.config import FaceSeries
from shared.errors import AvemotionError, ErrorCode
from tests.unit.training.features.made import SETTINGS, analyzer, config, face_still, segment
from training.features.extraction import features_of
from training.features.sample_features import SampleFeatures, series_of
from training.features.store import dump, load

EARLY, HYBRID = config("early"), config("hybrid")


def stored(path: Path, features: SampleFeatures, *, is_still: bool = False) -> Path:
    path.write_bytes(dump(features, is_still=is_still))
    return path


def assert_same(one: Any, other: Any) -> None:
    """Compare features, tables and sounds field by field, arrays with their types."""
    assert type(one) is type(other)
    for field in fields(one):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, np.ndarray):
            np.testing.assert_array_equal(left, right, field.name, strict=True)
        elif hasattr(left, "__dataclass_fields__") and field.name != "windows":
            assert_same(left, right)
        elif field.name == "further":
            assert len(left) == len(right)
            for mine, yours in zip(left, right, strict=True):
                assert_same(mine, yours)
        else:
            assert left == right, field.name


def test_features_come_back_as_they_were(tmp_path: Path) -> None:
    """Crops, rows, face table, sound, voice and times of every segment survive, to the bit."""
    last = segment(windows=1, first_crop=90, start_s=1 / 3, silent=True)
    between = segment(first_crop=50, level_db=None, start_s=4.1)
    features = replace(segment(), further=(between, *[last] * 10))

    assert_same(load(stored(tmp_path / "a.npz", features), EARLY, SETTINGS), features)


def test_features_without_a_picture_come_back(tmp_path: Path) -> None:
    """A sample of sound alone has no face table, and no series either."""
    features = replace(segment(), table=None)

    assert_same(load(stored(tmp_path / "a.npz", features), HYBRID, SETTINGS), features)


@pytest.mark.parametrize("columns", [("AU01_r",), ("pose_Rx", "AU01_r")])
def test_the_series_is_the_one_asked_for(tmp_path: Path, columns: tuple[str, ...]) -> None:
    """Other columns and other instants are taken from the same file, as from the table itself."""
    other = HYBRID.model_copy(update={"series": FaceSeries(columns=columns, steps=9)})
    features = segment(start_s=4)

    loaded = load(stored(tmp_path / "a.npz", features), other, SETTINGS)

    assert features.table is not None
    wanted = series_of(features.table, features.windows, other, SETTINGS.fps)
    assert wanted is not None
    assert wanted.shape == (2, 9, len(columns))
    np.testing.assert_array_equal(loaded.seen.series, wanted)


def test_a_still_has_its_series_again(tmp_path: Path) -> None:
    """The one row of a still's table fills its window after it was stored, too."""
    features = features_of(face_still(tmp_path), HYBRID, SETTINGS, analyzer())

    assert_same(load(stored(tmp_path / "a.npz", features, is_still=True), HYBRID, SETTINGS), features)


@pytest.mark.parametrize("damage", ["cut", "flipped", "other", "empty"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    """A file that was cut off, changed, or holds something else is no features, and is named."""
    path = stored(tmp_path / "sample.npz", segment())
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[len(content) // 2] ^= 255
    elif damage == "empty":
        content = bytearray()
    path.write_bytes(content)
    if damage == "other":
        facts = np.frombuffer(json.dumps({"segments": []}).encode(), np.uint8)
        np.savez(path, facts=facts)

    with pytest.raises(AvemotionError, match=r"sample\.npz is damaged") as caught:
        load(path, EARLY, SETTINGS)

    assert caught.value.code is ErrorCode.TRAINING_FAILED

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.catalog.config import FaceSeries
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from tests import media_damage
from tests.disks import mounted
from tests.unit.training.features.made import SETTINGS, analyzer, config, face_still, voice, write_image
from training.datasets.sample import Sample, Still
from training.features.cache import FeatureCache
from training.features.drafts import cannot_write, write_whole
from training.features.extraction import features_of

ROOT = Path(__file__).parents[4]


def open_cache(folder: Path, settings: Settings = SETTINGS, **changes: Any) -> FeatureCache:
    return FeatureCache.open(folder / "cache", config(**changes), settings, "landmarker")


def stills(folder: Path, count: int) -> list[Sample]:
    """Return so many samples of one stack of empty pictures."""
    np.savez(folder / "faces.npz", image=np.full((count, 48, 48), 90, np.uint8))
    return [Sample(f"{k:03d}", "made", still=Still(folder / "faces.npz", k)) for k in range(count)]


def test_features_are_made_once(tmp_path: Path) -> None:
    """What is missing is made, what is there is not made again, and progress counts both."""
    cache, samples = open_cache(tmp_path), [face_still(tmp_path), voice(tmp_path)]
    steps: list[tuple[int, int]] = []
    assert cache.missing(samples) == samples

    assert cache.fill(samples[:1], processes=1) == []
    first = cache.path_of(samples[0]).stat().st_mtime_ns
    assert cache.missing(samples) == samples[1:]
    assert cache.fill(samples, processes=2, progress=lambda *step: steps.append(step)) == []

    assert cache.missing(samples) == []
    assert cache.path_of(samples[0]).stat().st_mtime_ns == first
    assert steps == [(1, 2), (2, 2)]
    # Made in another process, and yet the same.
    made, kept = features_of(samples[0], cache.config, SETTINGS, analyzer()), cache.read(samples[0])
    np.testing.assert_array_equal(kept.seen.crops, made.seen.crops)
    assert made.seen.series is not None
    np.testing.assert_array_equal(kept.seen.series, made.seen.series)


def test_what_decides_the_numbers_has_its_own_folder(tmp_path: Path) -> None:
    """Another configuration or other settings find nothing made for these; where limits differ, they do."""
    here = open_cache(tmp_path).folder

    others = [
        open_cache(tmp_path, input_size=64),
        open_cache(tmp_path, window_s=1.0),
        open_cache(tmp_path, num_frame=2, frames=4),
        open_cache(tmp_path, face_zoom=1.5),
        open_cache(tmp_path, Settings(fps=20)),
        open_cache(tmp_path, Settings(window_fps=8)),
        open_cache(tmp_path, Settings(frame_side=320)),
        open_cache(tmp_path, Settings(segment_s=30)),
    ]
    assert len({here, *(other.folder for other in others)}) == 1 + len(others)
    assert open_cache(tmp_path, Settings(decode_memory_mb=1000, data_dir=tmp_path)).folder == here


def test_models_that_see_the_same_share_a_cache(tmp_path: Path) -> None:
    """Fusion, layout, labels and series change nothing of what is kept."""
    here = open_cache(tmp_path).folder

    assert open_cache(tmp_path, fusion="late").folder == here
    assert open_cache(tmp_path, fusion="early", layout="video-first", labels=("calm", "joy")).folder == here
    assert open_cache(tmp_path, series=FaceSeries(columns=("AU12_r",), steps=3)).folder == here


def test_a_changed_file_has_no_features(tmp_path: Path) -> None:
    """Features of another version of a sample's file are not used; those of the old one may stay."""
    cache, sample = open_cache(tmp_path), face_still(tmp_path)
    cache.fill([sample], processes=1)
    assert sample.still is not None
    write_image(sample.still.path, np.full((48, 48, 3), 90, np.uint8))

    assert cache.missing([sample]) == [sample]
    with pytest.raises(AvemotionError, match="made/still were not made yet"):
        cache.read(sample)
    cache.fill([sample], processes=1)
    assert cache.read(sample).seen.found.tolist() == [False]


def test_samples_are_told_apart(tmp_path: Path) -> None:
    """Data set, id, and number of the picture lead to different files, and none out of the cache."""
    cache, [one, two] = open_cache(tmp_path), stills(tmp_path, 2)
    clip = voice(tmp_path)
    samples = [
        *(one, two, replace(one, dataset="other"), replace(one, still=two.still), clip),
        *(replace(clip, id=name) for name in ("..", "../../out", "a/b", "a" * 300, "", "grün")),
        replace(clip, dataset=".."),
    ]

    paths = [cache.path_of(sample) for sample in samples]

    assert len(set(paths)) == len(samples)
    assert all(path.resolve().is_relative_to(cache.folder.resolve()) for path in paths)
    assert all(path.parent.parent == cache.folder for path in paths)


def test_what_cannot_be_made_is_collected(tmp_path: Path) -> None:
    """Broken, missing and mistaken files each have their code and sentence, and stop nothing."""
    good, gone = voice(tmp_path), Sample("gone", "made", audio=tmp_path / "gone.wav")
    text = Sample("text", "made", video=media_damage.text(tmp_path / "text.mp4"))
    broken = Sample("broken", "made", video=media_damage.no_moov(tmp_path / "broken.mp4"))
    cache = open_cache(tmp_path)

    failures = cache.fill([gone, text, broken, good], processes=1)

    assert [(failure.dataset, failure.sample_id, failure.code) for failure in failures] == [
        ("made", "gone", ErrorCode.MEDIA_MISSING),
        ("made", "text", ErrorCode.UNSUPPORTED_MEDIA),
        ("made", "broken", ErrorCode.MEDIA_UNREADABLE),
    ]
    assert all(failure.message.endswith(".") for failure in failures)
    assert cache.missing([gone, text, broken, good]) == [gone, text, broken]


def test_an_analyzer_that_is_not_here_is_said_at_once(tmp_path: Path) -> None:
    """A cache of an analyzer that cannot work is not opened."""
    with pytest.raises(AvemotionError) as caught:
        FeatureCache.open(tmp_path, config(), SETTINGS, "nobody")

    assert caught.value.code is ErrorCode.ANALYZER_UNAVAILABLE


def test_a_place_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    """A cache below a file is refused with a sentence that names the folder."""
    (tmp_path / "cache").write_text("no folder")

    with pytest.raises(AvemotionError, match="cannot be written: Not a directory") as caught:
        open_cache(tmp_path)

    assert caught.value.code is ErrorCode.TRAINING_FAILED


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB, where one may be mounted."""
    with mounted(tmp_path / "disk", "64k") as place:
        yield place


def test_a_full_disk_is_said_and_spoils_nothing(tmp_path: Path, small_disk: Path) -> None:
    """The work ends with a sentence; what was written before is whole, and no part of a file is left."""
    noise = np.random.default_rng(0).integers(0, 255, (48, 48, 3), np.uint8)
    paths = [write_image(tmp_path / f"{k}.png", noise) for k in range(60)]
    samples = [Sample(path.stem, "made", still=Still(path, None)) for path in paths]
    cache = FeatureCache.open(small_disk, config(), SETTINGS, "landmarker")

    with pytest.raises(AvemotionError, match=r"The disk of .*disk.* is full") as caught:
        cache.fill(samples, processes=1)

    assert caught.value.code is ErrorCode.TRAINING_FAILED
    missing = cache.missing(samples)
    assert 0 < len(missing) < len(samples)
    kept = [sample for sample in samples if sample not in missing]
    assert all(cache.read(sample).windows for sample in kept)
    assert not list(small_disk.rglob("*.draft"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_without_room_is_told_from_one_that_refuses(tmp_path: Path, number: int) -> None:
    """No room, or none for this user, asks for room; anything else says what the system said."""
    assert "is full" in cannot_write(tmp_path, OSError(number, "")).message
    assert "Read-only" in cannot_write(tmp_path, OSError(errno.EROFS, os.strerror(errno.EROFS))).message


def test_a_file_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    """A file appears whole or not at all."""
    (tmp_path / "taken").mkdir()

    with pytest.raises(AvemotionError, match="cannot be written"):
        write_whole(tmp_path / "taken", b"content")

    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


PROGRAM = """
import sys
from pathlib import Path
from tests.unit.training.features.test_cache import open_cache, stills
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    open_cache(folder).fill(stills(folder, 300), processes=2)
"""


@pytest.mark.slow
def test_a_killed_fill_is_resumed(tmp_path: Path) -> None:
    """After kill -9 all that is found is whole, and only the rest is made."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    program = subprocess.Popen(command, cwd=ROOT)
    cache = open_cache(tmp_path)
    while len(list(cache.folder.rglob("*.npz"))) < 20:
        assert program.poll() is None
        time.sleep(0.05)
    program.kill()
    program.wait()
    samples = [Sample(f"{k:03d}", "made", still=Still(tmp_path / "faces.npz", k)) for k in range(300)]
    missing = cache.missing(samples)
    steps: list[int] = []

    assert 0 < len(missing) <= 280
    assert cache.fill(samples, processes=2, progress=lambda done, _: steps.append(done)) == []

    assert steps == list(range(300 - len(missing), 301))
    assert all(cache.read(sample).seen.found.tolist() == [False] for sample in samples)


def test_leftovers_are_swept(tmp_path: Path) -> None:
    """What a killed process left half written is removed, once nobody can be writing it any more."""
    cache = open_cache(tmp_path)
    old, new = cache.folder / "old.draft", cache.folder / "new.draft"
    for draft in (old, new):
        draft.write_bytes(b"half")
    os.utime(old, (0, 0))

    cache.fill([], processes=1)

    assert not old.exists()
    assert new.exists()

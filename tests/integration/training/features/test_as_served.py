from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from shared.catalog import load_catalog
from shared.settings import Settings
from tests import media_factory as media
from tests.integration.conftest import Servers
from tests.integration.training.features.serving import a_worker, served
from training.datasets.sample import Sample
from training.features.cache import FeatureCache
from training.features.fusing import fused
from worker.toolkit import Toolkit

CLIPS = Path(__file__).parents[5] / "shared" / "data" / "clips"
MODELS = {card.fusion: card for card in load_catalog(None).values() if "tiny" in card.id}


def clip(folder: Path) -> Sample:
    """Five seconds of a face and a voice, in two segments."""
    return Sample("clip", "made", video=media.face_video(folder / "clip.mp4", duration_s=5, fps=30))


def picture_alone(folder: Path) -> Sample:
    """A face that leaves, without sound."""
    path = media.face_video(folder / "mute.webm", duration_s=3.3, shown=0.7, sound=False)
    return Sample("picture", "made", video=path)


def sound_alone(folder: Path) -> Sample:
    """A voice without a picture."""
    return Sample("sound", "made", audio=media.audio(folder / "voice.wav", wave=media.voice(2.6)))


def two_files(folder: Path) -> Sample:
    """A face in one file, and a voice in another that is longer."""
    film = media.face_video(folder / "film.mp4", duration_s=2.2, fps=15)
    voice = media.audio(folder / "voice.flac", wave=media.voice(3, hertz=190))
    return Sample("two", "made", video=film, audio=voice)


def recorded(name: str) -> Callable[[Path], Sample]:
    """A real clip of the data that may not be shipped."""

    def sample(_: Path) -> Sample:
        if not (CLIPS / name).exists():
            pytest.skip(f"{name} is not at hand: it may not be shipped with the project")
        return Sample(name, "recorded", video=CLIPS / name)

    return sample


SAMPLES: dict[str, Callable[[Path], Sample]] = {
    "face and voice": clip,
    "face": picture_alone,
    "voice": sound_alone,
    "two files": two_files,
    "a clip of MEAD": recorded("mead_W036_happiness.mp4"),
    "a clip of GRID": recorded("grid_bbaf2n.mpg"),
}
# The others belong to the ten minutes.
SLOW = frozenset({"face", "face and voice", "two files", "a clip of GRID", "a clip of MEAD"})


@pytest.fixture(scope="module")
def worker(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toolkit]:
    folder = tmp_path_factory.mktemp("worker")
    settings = Settings(
        database_url=servers.database_url, broker_url=servers.broker_url, data_dir=folder, segment_s=4
    )
    with a_worker(settings) as kit:
        yield kit


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in SAMPLES]
)
def test_training_sees_what_serving_sees(worker: Toolkit, tmp_path: Path, name: str) -> None:
    """Whatever is given, each fusion's inputs from the cache are those of a job's stages, to the bit."""
    sample = SAMPLES[name](tmp_path)
    cache = FeatureCache.open(tmp_path / "cache", MODELS["early"], worker.settings, "landmarker")

    assert cache.fill([sample], processes=1) == []

    for fusion, card in MODELS.items():
        inputs, modalities = served(worker, card, sample.video, sample.audio)
        other = FeatureCache.open(tmp_path / "cache", card, worker.settings, "landmarker")
        assert other.folder == cache.folder
        seen = fused(other.read(sample), card)
        assert seen.inputs.keys() == inputs.keys(), fusion
        assert [sorted(window) for window in seen.modalities] == [sorted(window) for window in modalities]
        assert any(modalities)
        for key, stored in inputs.items():
            assert seen.inputs[key].dtype == stored.dtype, (fusion, key)
            np.testing.assert_array_equal(seen.inputs[key], stored, f"{fusion} {key}", strict=True)

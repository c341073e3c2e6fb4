from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.training.features.made import config, segment
from tests.unit.training.fitting.drawn import a_face, a_voice, stored
from training.features.sample_features import SampleFeatures
from training.fitting.phase import quick_figures
from training.fitting.scoring import Arrays, score
from worker.fusion.layouts import AUDIO, VIDEO

Said = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def by_picture(inputs: Arrays) -> Said:
    """Answer by the number that a window's first crop is filled with, as a share of 100 of anger."""
    share = inputs["faces"][:, 0, 0, 0, 0].astype(np.float32) / 100
    return np.stack([share, 1 - share], axis=1), share, -share


def nothing_to_see() -> SampleFeatures:
    """Return a sample in which no face is found and no voice is heard."""
    face = a_face()
    return SampleFeatures(
        windows=face.windows,
        seen=type(face.seen)(face.seen.crops, np.zeros(8, bool), face.seen.rows),
        sound=None,
        activity=np.zeros(2, np.float32),
        silent=True,
        table=face.table,
    )


def test_windows_count_as_they_do_in_service(tmp_path: Path) -> None:
    """A sample's answer is the mean over its windows, weighed by how much of each is face or voice."""
    # The first window's second crop shows no face.
    library, samples = stored(tmp_path, config("late"), {"face": a_face(20)})

    scored = score(by_picture, samples, library, config("late")).scored

    expected = (0.75 * 0.20 + 1.0 * 0.24) / 1.75
    assert np.exp(scored.logits[0, 0]) == pytest.approx(expected, rel=1e-5)
    assert scored.valence[0] == pytest.approx(expected, rel=1e-5)
    assert scored.arousal[0] == pytest.approx(-expected, rel=1e-5)


def test_what_shows_and_says_nothing_is_not_scored(tmp_path: Path) -> None:
    """A sample without face and voice is named, and the others keep their order and truth."""
    features = {"face": a_face(), "void": nothing_to_see(), "voice": a_voice()}
    library, samples = stored(tmp_path, config("late"), features)

    scores = score(by_picture, samples, library, config("late"))

    assert scores.unscored == ("made/void",)
    assert scores.scored.samples == ("face", "voice")
    assert scores.scored.truth.tolist() == [0, 0]
    assert np.isnan(scores.scored.true_valence).all()


def test_a_modality_can_be_hidden(tmp_path: Path) -> None:
    """With the face hidden, only samples with a voice are scored, and no face is present."""
    library, samples = stored(
        tmp_path, config("late"), {"face": a_face(), "both": segment(), "voice": a_voice()}
    )
    given: list[NDArray[np.uint8]] = []

    def listening(inputs: Arrays) -> Said:
        given.append(inputs["present"])
        return by_picture(inputs)

    scores = score(listening, samples, library, config("late"), modalities=(AUDIO,))

    assert scores.scored.samples == ("both", "voice")
    assert scores.unscored == ("made/face",)
    assert not np.concatenate(given)[:, VIDEO].any()


def test_a_tie_has_no_truth(tmp_path: Path) -> None:
    """A sample that is as much one emotion as another is scored, but neither right nor wrong."""
    library, samples = stored(tmp_path, config("late"), {"face": a_face(10), "other": a_face(90)})
    tied = type(samples[0])(**{**vars(samples[0]), "emotions": {"anger": 0.5, "joy": 0.5}})

    scored = score(by_picture, [tied, samples[1]], library, config("late")).scored

    assert scored.truth.tolist() == [-1, 1]
    figures = quick_figures(scored)
    # Of "other", joy, most windows say anger.
    assert figures["validation_war"] == 0

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.training.features.made import config, segment
from tests.unit.training.fitting.drawn import a_face, a_voice, drawing, phase
from training.datasets.sample import Sample
from training.features.fusing import fused
from training.fitting.batches import Batch, Batches, Drawing
from worker.fusion.layouts import AUDIO, VIDEO

MIXED = {"face": a_face(), "voice": a_voice(), "both": segment(), "other": segment(first_crop=90)}


def same(one: Batch, other: Batch) -> bool:
    """Tell whether two batches are the same to the last bit."""
    return all(
        equal(mine[name], yours[name]) for mine, yours in zip(one, other, strict=True) for name in mine
    )


def equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Tell whether two arrays hold the same; what is not known is the same as what is not known."""
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def test_a_batch_is_the_same_whatever_was_asked_before(tmp_path: Path) -> None:
    """Chance comes from the seed, the epoch and the batch alone, so that a training can be gone on with."""
    drawn = drawing(tmp_path, config("late"), MIXED, phase(augmentation={}, mixup=0.4))
    first, again = Batches(drawn), Batches(drawn)

    forwards = [first[index] for index in range(len(first))]
    backwards = [again[index] for index in reversed(range(len(again)))][::-1]

    assert len(first) == 4
    assert all(same(one, other) for one, other in zip(forwards, backwards, strict=True))


def test_epochs_differ_and_can_be_begun_with(tmp_path: Path) -> None:
    """The second epoch is not the first once more, and is the same for whoever begins with it."""
    drawn = drawing(tmp_path, config("late"), MIXED, phase(augmentation={}))
    batches = Batches(drawn)
    first = [batches[index] for index in range(len(batches))]
    batches.on_epoch_end()
    second = [batches[index] for index in range(len(batches))]

    resumed = Batches(drawn, 1)

    assert not all(same(one, other) for one, other in zip(first, second, strict=True))
    assert all(same(resumed[index], batch) for index, batch in enumerate(second))


@pytest.mark.parametrize("fusion", ["early", "late", "hybrid"])
def test_without_augmentation_a_network_learns_what_is_served(tmp_path: Path, fusion: str) -> None:
    """What is drawn of a sample is what serving's fusion gives for its windows."""
    model = config(fusion)
    drawn = drawing(tmp_path, model, {"both": segment()}, phase(batch=1))
    served = fused(drawn.library.features(drawn.examples[0].sample), model).inputs

    batches = Batches(drawn)
    drawn_inputs = [batches[index][0] for index in range(len(batches))]

    places = [
        [place for place in range(2) if all(equal(inputs[name][0], served[name][place]) for name in served)]
        for inputs in drawn_inputs
    ]
    assert sorted(places) == [[0], [1]]
    assert batches[0][1]["emotion"].tolist() == [[1, 0]]


@pytest.mark.parametrize(("draw", "hidden", "gone"), [("faces", AUDIO, "images"), ("voices", VIDEO, "faces")])
def test_a_draw_of_one_modality_hides_the_other(tmp_path: Path, draw: str, hidden: int, gone: str) -> None:
    """Of clips with both, faces alone or voices alone are learned; the network is not even given the rest."""
    drawn = drawing(tmp_path, config("late"), {"both": segment()}, phase(draw=draw))

    inputs, _ = Batches(drawn)[0]

    assert not inputs["present"][:, hidden].any()
    assert inputs["present"][:, 1 - hidden].all()
    assert gone not in inputs


def test_a_pair_is_a_face_with_another_sample_s_voice(tmp_path: Path) -> None:
    """The picture is the face's, the sound that of a voice of its class, and the label the face's."""
    features = {"face": a_face(), "quiet": a_voice(-70.0), "clear": a_voice(-20.0)}
    drawn = drawing(tmp_path, config("late"), features, phase(draw="pairs"))
    assert drawn.voices is not None
    parts = {
        each.sample.id: drawn.library.features(each.sample)
        for each in (*drawn.examples, *drawn.voices.examples)
    }

    inputs, targets = Batches(drawn)[0]

    assert inputs["present"].tolist() == [[1, 1], [1, 1]]
    assert targets["emotion"].tolist() == [[1, 0], [1, 0]]
    shown = fused(parts["face"], config("late")).inputs["faces"]
    assert all(any(np.array_equal(one, other) for other in shown) for one in inputs["faces"])
    # Emotions alternate: it is the clear voice that is of the face's class.
    heard = fused(parts["clear"], config("late")).inputs["images"]
    assert all(any(np.array_equal(one, other) for other in heard) for one in inputs["images"])


def test_noise_stands_for_a_voice(tmp_path: Path) -> None:
    """A pair whose voice is noise has sound, but not that of the voice; its label is the face's."""
    features = {"face": a_face(), "quiet": a_voice(-70.0), "clear": a_voice(-20.0)}
    drawn = drawing(tmp_path, config("late"), features, phase(draw="pairs", pair_noise=1.0))

    inputs, targets = Batches(drawn)[0]

    assert inputs["present"].tolist() == [[1, 1], [1, 1]]
    assert targets["emotion"].tolist() == [[1, 0], [1, 0]]
    for name in ("quiet", "clear"):
        voice = fused(drawn.library.features(_sample_of(drawn, name)), config("late")).inputs["images"]
        assert not any(np.array_equal(one, other) for one in inputs["images"] for other in voice)


def test_one_of_a_pair_alone_counts_as_itself(tmp_path: Path) -> None:
    """A face alone is learned as its own class, and so is a voice, whatever the face it was drawn for."""
    features = {"face": a_face(), "quiet": a_voice(-70.0), "clear": a_voice(-20.0)}
    told = phase(draw="pairs", pair_alone=1.0, pair_noise=1.0, samples_per_epoch=64)
    drawn = drawing(tmp_path, config("late"), features, told)

    seen = set()
    for inputs, targets in map(Batches(drawn).__getitem__, range(drawn.batches_per_epoch)):
        for present, emotion in zip(inputs["present"].tolist(), targets["emotion"].tolist(), strict=True):
            seen.add((tuple(present), tuple(emotion)))

    # The face and the clear voice are of the first class, the quiet one of the second.
    assert seen == {((0, 1), (1, 0)), ((1, 0), (1, 0)), ((1, 0), (0, 1))}


def _sample_of(drawn: Drawing, name: str) -> Sample:
    assert drawn.voices is not None
    return next(each.sample for each in drawn.voices.examples if each.sample.id == name)


def test_a_mix_keeps_what_is_missing_missing(tmp_path: Path) -> None:
    """Mixup joins windows that have the same modalities: a face alone stays without a sound."""
    features = {"face": a_face(), "other": a_face(60), "voice": a_voice(), "loud": a_voice(-5.0)}
    drawn = drawing(tmp_path, config("late"), features, phase(mixup=5.0, batch=8))

    inputs, targets = Batches(drawn)[0]

    faces = inputs["present"][:, VIDEO] == 1
    assert 0 < faces.sum() < len(faces)
    assert not inputs["images"][faces].any()
    assert not inputs["faces"][~faces].any()
    np.testing.assert_allclose(targets["emotion"].sum(axis=1), 1, rtol=1e-6)
    assert (targets["emotion"].max(axis=1) < 1).any()

from __future__ import annotations

import numpy as np
import pytest

from bench.checkpoint.figures import NOTHING, comparison_of, complete, mean_of, scored_by, telling_of
from tests.unit.bench.checkpoint.material import LABELS, face, scores_of

FACES = [face("a", "anger"), face("b", "happiness"), face("c", "neutral"), face("d", "neutral")]
RIGHT = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.1, 0.1, 0.8]]


def test_a_picture_without_a_face_counts_as_wrong_in_accuracy_and_recall() -> None:
    """Three of four are right and one has no face: accuracy .75, and the recall of its class halves."""
    everything = complete(scores_of(FACES, [*RIGHT[:3], None]), FACES, LABELS)
    rates = comparison_of("", ("", everything), {}).rates
    assert rates.samples == 4
    assert rates.war.value == pytest.approx(0.75)
    assert rates.uar.value == pytest.approx((1 + 1 + 0.5) / 3)


def test_nothing_is_never_said_where_something_can_be() -> None:
    """The further answer takes no probability from the labels."""
    everything = complete(scores_of(FACES, RIGHT), FACES, LABELS)
    assert everything.labels == (*LABELS, NOTHING)
    assert np.exp(everything.logits[:, :3]).sum(axis=1) == pytest.approx(1)
    assert np.exp(everything.logits[:, 3]).max() < 1e-30


def test_where_no_face_is_found_at_all_nothing_is_right() -> None:
    """A change that hides all faces is a row of zeros, and no error."""
    everything = complete(scores_of(FACES, [None] * 4), FACES, LABELS)
    assert comparison_of("", ("", everything), {}).rates.war.value == 0


def test_shares_show_a_class_that_swallows_others() -> None:
    """A model that says neutral three times of four, where half is neutral, says it .25 too often."""
    said = [RIGHT[0], RIGHT[2], RIGHT[2], RIGHT[3]]
    rows = {row.label: row for row in telling_of(scores_of(FACES, said).scored).by_label}
    assert (rows["neutral"].support, rows["neutral"].predicted) == (2, 3)
    assert rows["neutral"].excess.value == pytest.approx(0.25)
    assert rows["happiness"].excess.value == pytest.approx(-0.25)


def test_the_error_of_calibration_is_that_of_what_was_served() -> None:
    """Four answers that are right with a confidence of .8: off by .2, as no temperature is divided by."""
    assert telling_of(scores_of(FACES, RIGHT).scored).ece == pytest.approx(0.2, abs=1e-6)


def test_another_models_labels_are_brought_to_their_places() -> None:
    """Columns go by name, and a label that the other model lacks is never said."""
    theirs = np.log(np.array([[0.9, 0.1], [0.2, 0.8]], np.float32))
    scored = scored_by(theirs, FACES[:2], ("happiness", "anger"), (*LABELS, NOTHING))
    assert scored.logits.argmax(axis=1).tolist() == [1, 0]
    assert np.exp(scored.logits).sum(axis=1) == pytest.approx(1)


def test_differences_are_of_the_same_samples() -> None:
    """A change that spoils one picture of four costs .25, whatever the order the scores come in."""
    reference = complete(scores_of(FACES, RIGHT), FACES, LABELS)
    spoilt = complete(scores_of(FACES[::-1], [RIGHT[0], *RIGHT[2:0:-1], RIGHT[0]]), FACES[::-1], LABELS)
    (row,) = comparison_of("", ("as they are", reference), {"spoilt": spoilt}).rows
    assert row.war_difference.value == pytest.approx(-0.25)


def test_the_mean_of_two_models_is_that_of_their_probabilities() -> None:
    """Each sample's probabilities are averaged, in the order of the first."""
    first = complete(scores_of(FACES[:2], RIGHT[:2]), FACES, LABELS)
    second = complete(scores_of(FACES[1::-1], [[0.4, 0.4, 0.2], [0.2, 0.6, 0.2]]), FACES, LABELS)
    mean = mean_of(first, second)
    assert np.exp(mean.logits[:, :3]) == pytest.approx(
        np.array([[0.5, 0.35, 0.15], [0.25, 0.6, 0.15]]), abs=1e-6
    )


def test_the_mean_with_nothing_is_what_the_other_says() -> None:
    """Where no voice is heard, a mean of face and voice is the face."""
    first = complete(scores_of(FACES[:2], RIGHT[:2]), FACES[:2], LABELS)
    second = complete(scores_of(FACES[:2], [None, RIGHT[0]]), FACES[:2], LABELS)
    mean = mean_of(first, second)
    assert mean.logits[0].tolist() == first.logits[0].tolist()
    assert mean.logits[1].tolist() != first.logits[1].tolist()

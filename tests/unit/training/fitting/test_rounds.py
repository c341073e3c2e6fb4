from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.errors import AvemotionError
from tests.unit.training.fitting.test_materials import acted, found, materials
from training.fitting.materials import Materials, divisions
from training.fitting.recipe import Phase
from training.fitting.rounds import _keeps, fingerprints, fit_round, new_network, thinned
from training.fitting.start import Start
from training.fitting.state import Place, save_state
from training.fitting.watch import Step
from worker.model.weights import named_weights


def two_phases(**second: object) -> Materials:
    """Return data of an official split for a first phase, and of folds for a second."""
    given = materials(found(), acted(), validation=0)
    phases = (
        Phase.model_validate({"name": "first", "epochs": 2, "sources": ["found"]}),
        Phase.model_validate({"name": "second", "epochs": 2, "sources": ["acted"], **second}),
    )
    return replace(given, recipe=given.recipe.model_copy(update={"phases": phases}))


def test_rounds_share_the_phases_that_they_have_in_common() -> None:
    """A phase that has the same samples in two rounds has one fingerprint; what follows has its own."""
    given = two_phases()
    one, two, final = (
        fingerprints(given, division, Start()) for division in divisions(given, [1, 2], final=True)
    )

    assert one[0] == two[0] == final[0]
    assert len({one[1], two[1], final[1]}) == 3


def test_few_held_out_samples_stand_for_all() -> None:
    """Of many, as many as are asked for are looked at, from first to last; of few, all."""
    samples = [*divisions(two_phases(), [], final=True)[0].training]
    ids = [sample.id for sample in samples]

    assert [sample.id for sample in thinned(samples, 2)] == [ids[0], ids[len(ids) // 2]]
    assert thinned(samples, len(samples)) == thinned(samples, None) == samples


def test_what_decides_the_weights_decides_the_fingerprint(tmp_path: Path) -> None:
    """Another setting, seed, label or start is another training; what comes later changes nothing before."""
    given = two_phases()
    (final,) = divisions(given, [], final=True)
    before = fingerprints(given, final, Start())
    weights = tmp_path / "encoder.weights.h5"
    weights.write_bytes(b"something")
    relabelled = (replace(final.training[0], emotions={"neutral": 0.5, "anger": 0.5}), *final.training[1:])

    assert fingerprints(two_phases(), final, Start()) == before
    later = fingerprints(two_phases(learning_rate=0.5), final, Start())
    assert (later[0], later[1]) == (before[0], later[1])
    assert later[1] != before[1]
    seeded = replace(given, recipe=given.recipe.model_copy(update={"seed": 9}))
    for other in (
        fingerprints(seeded, final, Start()),
        fingerprints(given, final, Start(weights)),
        fingerprints(given, replace(final, training=relabelled), Start()),
    ):
        assert not set(other) & set(before)


def test_what_was_trained_is_not_trained_again(tmp_path: Path) -> None:
    """A round whose last phase is known gives back the weights at its end, and trains nothing."""
    given = two_phases()
    (final,) = divisions(given, [], final=True)
    mark = fingerprints(given, final, Start())[-1]
    trained = new_network(given.recipe, Start())
    for _, weight in zip(range(3), trained.weights, strict=False):
        weight.assign(weight + 1)
    place = tmp_path / "phases" / mark[:16]
    place.mkdir(parents=True)
    save_state(place, Place(1, 2, mark), trained, None)
    steps: list[Step] = []

    network, _ = fit_round(given, final, Start(), tmp_path, steps.append)

    assert steps == []
    for (name, array), (_, expected) in zip(named_weights(network), named_weights(trained), strict=True):
        np.testing.assert_array_equal(array, expected, err_msg=name)


def test_a_damaged_end_of_a_phase_is_said_to_be(tmp_path: Path) -> None:
    """What another process has cut off ends in a sentence that names the file."""
    given = two_phases()
    (final,) = divisions(given, [], final=True)
    place = tmp_path / "phases" / fingerprints(given, final, Start())[-1][:16]
    place.mkdir(parents=True)
    (place / "state.npz").write_bytes(b"half a file")

    with pytest.raises(AvemotionError, match="is damaged"):
        fit_round(given, final, Start(), tmp_path, lambda _step: None)


def test_rows_of_what_is_trained_again_are_dropped() -> None:
    """Of a log, phases that are done count, and the epochs of the next that are in its state."""
    keep = _keeps(["first", "second"], 1, (Place(1, 2, "abc"), {}))

    rows = [("first", 9), ("second", 1), ("second", 2), ("second", 3), ("gone", 1)]
    assert [keep({"phase": phase, "epoch": str(epoch)}) for phase, epoch in rows] == [
        True, True, True, False, False,
    ]  # fmt: skip

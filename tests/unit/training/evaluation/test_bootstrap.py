from __future__ import annotations

import numpy as np
import pytest

from tests.unit.training.evaluation.scores import UNKNOWN, make_scored
from training.evaluation.bootstrap import Array, Clusters, clusters_of, estimate, estimates, resample


def means(
    sums: Array,
) -> Array:
    return np.asarray(sums[..., 0] / sums[..., 1])


def columns_of(
    values: Array,
) -> Array:
    return np.stack([values, np.ones(len(values))], axis=-1)


def test_a_draw_takes_all_or_nothing_of_a_speaker() -> None:
    """Each draw has as many speakers as there are, each of them as often for all its samples."""
    clusters = Clusters(np.array([0, 0, 1, 2, 2, 2]), 3, "speakers", 3)
    sums = resample(np.eye(6), clusters, draws=500)

    np.testing.assert_array_equal(sums.total, np.ones(6))
    np.testing.assert_array_equal(sums.draws[:, 0], sums.draws[:, 1])
    np.testing.assert_array_equal(sums.draws[:, 3], sums.draws[:, 5])
    np.testing.assert_array_equal(sums.draws[:, [0, 2, 3]].sum(1), np.full(500, 3))
    np.testing.assert_allclose(sums.draws.mean(0), np.ones(6), atol=0.15)


def test_same_seed_gives_same_draws_whatever_is_summed() -> None:
    """Draws depend on the seed and not on the columns, nor on how many fit into memory at once."""
    clusters = clusters_of(make_scored())
    first = resample(np.ones((280, 1)), clusters)
    second = resample(np.stack([np.arange(280.0), np.ones(280)], axis=-1), clusters)

    np.testing.assert_array_equal(first.draws[:, 0], second.draws[:, 1])
    assert not np.array_equal(second.draws, resample(second.draws[:280], clusters, seed=1).draws)


def test_chunks_are_the_draws_of_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting draws into chunks to save memory changes none of them."""
    clusters = clusters_of(make_scored())
    columns = np.arange(280.0)[:, None]
    whole = resample(columns, clusters).draws

    monkeypatch.setattr("training.evaluation.bootstrap.CHUNK_BYTES", 8 * 20 * 7)

    np.testing.assert_array_equal(resample(columns, clusters).draws, whole)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_interval_is_that_of_a_plain_loop(seed: int) -> None:
    """Ends agree with quantiles of means over speakers drawn one by one, within the noise of drawing."""
    generator = np.random.default_rng(seed)
    sizes = generator.integers(1, 9, 25)
    person = np.repeat(np.arange(25), sizes)
    values = generator.normal(0, 1, 25)[person] + generator.normal(0, 1, len(person))
    found = estimate(resample(columns_of(values), Clusters(person, 25, "speakers", 25)), means)

    drawn = [
        np.concatenate([values[person == one] for one in generator.integers(25, size=25)]).mean()
        for _ in range(2000)
    ]
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.05)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    """Of 200 intervals over 40 speakers 88 to 99 % hold the true mean, and far fewer over samples."""
    generator = np.random.default_rng(0)
    person = np.repeat(np.arange(40), 10)
    covered = {"speakers": 0, "samples": 0}
    for _ in range(200):
        values = generator.normal(0, 1, 40)[person] + generator.normal(0, 0.5, 400)
        for unit, index in (("speakers", person), ("samples", np.arange(400))):
            clusters = Clusters(index, index.max() + 1, "speakers", 40)
            found = estimate(resample(columns_of(values), clusters, draws=400), means)
            covered[unit] += (found.low or 0) <= 0 <= (found.high or 0)

    assert 176 <= covered["speakers"] <= 198
    assert covered["samples"] < 130


def test_speakers_are_drawn_where_they_are_known() -> None:
    """Twenty speakers of 14 clips are twenty clusters, whatever the order of the samples."""
    made = make_scored()
    clusters = clusters_of(made)

    assert (clusters.unit, clusters.count, clusters.speakers) == ("speakers", 20, 20)
    assert clusters.caution is None
    backwards = made.rows(np.arange(280)[::-1])
    np.testing.assert_array_equal(clusters_of(backwards).index[::-1], clusters.index)


@pytest.mark.parametrize(
    ("speakers", "unit", "count", "caution"),
    [
        (UNKNOWN, "samples", 280, "The speakers are not known"),
        (["d/1"] * 280, "samples", 280, "All samples are of one speaker"),
        (["d/1"] * 100 + UNKNOWN[100:], "speakers and samples", 181, "Some speakers are not known"),
        (["d/1"] * 100 + ["d/2"] * 180, "speakers", 2, "There are only 2 speakers"),
    ],
)
def test_readers_are_told_what_was_drawn(
    speakers: list[str | None], unit: str, count: int, caution: str
) -> None:
    """Where speakers are unknown, few or one, samples stand in or the reader is warned."""
    clusters = clusters_of(make_scored(speakers=speakers))

    assert (clusters.unit, clusters.count) == (unit, count)
    assert caution in (clusters.caution or "")
    assert clusters.index.max() == count - 1


def test_draws_without_a_value_are_left_out() -> None:
    """A figure that some draws do not have is judged by the others; one that none has is null."""
    clusters = Clusters(np.arange(4), 4, "samples", 0)
    sums = resample(np.array([[1.0, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]), clusters)

    def ratios(
        values: Array,
    ) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack([values[..., 0] / values[..., 1], values[..., 0] / values[..., 2]], axis=-1)

    known, unknown = estimates(sums, ratios)

    assert (known.value, known.low, known.high) == (1, 1, 1)
    assert (unknown.value, unknown.low, unknown.high) == (None, None, None)

from __future__ import annotations

import pytest

from shared.errors import WarningCode
from tests.unit.client.evaluate.conftest import Evaluate
from tests.unit.client.evaluate.results_files import Rows, rows_of
from tests.unit.training.evaluation.scores import make_scored, with_affect
from training.datasets.emotions import AFFECT
from training.evaluation.report import build_report

CONSTANT = "constants of the emotion and no person's annotation"


@pytest.fixture
def annotated() -> Rows:
    """Answers to clips whose valence and arousal people annotated."""
    return rows_of(make_scored(**with_affect(make_scored(), "annotated")))


def test_annotated_affect_is_compared(
    evaluate: Evaluate, annotated: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    """CCC and MAE of valence and arousal are those of a report, with intervals."""
    wanted = build_report(make_scored(**with_affect(make_scored(), "annotated")), title="").affect.regression

    found = evaluate(annotated)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]

    assert found["affect_refused"] == []
    for row, other in zip(found["report"]["affect"]["regression"], wanted, strict=True):
        assert row["dimension"] == other.dimension
        assert row["samples"] == 280
        assert row["ccc"]["value"] == pytest.approx(other.ccc.value)
        assert row["mae"]["high"] == pytest.approx(other.mae.high)
        assert any(line[:3] == [other.dimension, "280", f"{other.ccc.value:.3f}"] for line in lines)


def test_annotations_without_a_source_are_annotations(evaluate: Evaluate, annotated: Rows) -> None:
    """A manifest that does not say where its numbers come from is taken at its word."""
    for row in annotated:
        row["affect_source"] = None
    assert len(evaluate(annotated)["report"]["affect"]["regression"]) == 2


@pytest.mark.parametrize("source", ["class_constant", "annotated", None])
def test_constants_of_the_class_are_refused(
    evaluate: Evaluate, annotated: Rows, source: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """One valence for each emotion is not compared, whatever it is called, and the reason is told."""
    for row in annotated:
        row["true_valence"], row["true_arousal"] = AFFECT[row["true_emotion"]]
        row["affect_source"] = source

    found = evaluate(annotated)

    assert found["report"]["affect"]["regression"] == []
    assert found["report"]["affect"]["class_constants"] == []
    assert [CONSTANT in sentence for sentence in found["affect_refused"]] == [True]
    assert "True valence and arousal of 280 clips" in found["affect_refused"][0]
    assert "CCC" not in capsys.readouterr().out.partition("To be read")[0]


def test_a_part_may_be_annotated(evaluate: Evaluate, annotated: Rows) -> None:
    """Annotated clips are compared beside others that are refused."""
    for row in annotated[:140]:
        row["true_valence"], row["true_arousal"] = AFFECT[row["true_emotion"]]
        row["affect_source"] = "class_constant"

    found = evaluate(annotated)

    assert [row["samples"] for row in found["report"]["affect"]["regression"]] == [140, 140]
    assert "of 140 clips" in found["affect_refused"][0]


def test_predictions_that_mean_nothing_are_not_compared(evaluate: Evaluate, annotated: Rows) -> None:
    """A model that has not learned valence and arousal gets no figure for them."""
    for row in annotated:
        row["warnings"] = "short_clip;affect_untrained"

    found = evaluate(annotated)

    assert found["report"]["affect"]["regression"] == []
    assert found["affect_refused"] == [WarningCode.AFFECT_UNTRAINED.message]


def test_predictions_that_follow_from_the_emotion_are_told(evaluate: Evaluate, annotated: Rows) -> None:
    """A model that learned constants is compared with annotations, and that is said beside it."""
    for row in annotated:
        row["warnings"] = "affect_from_classes"

    found = evaluate(annotated)

    assert len(found["report"]["affect"]["regression"]) == 2
    assert found["affect_refused"] == [WarningCode.AFFECT_FROM_CLASSES.message]


def test_without_true_values_that_is_said(evaluate: Evaluate, rows: Rows) -> None:
    """A data set without valence and arousal gets a sentence in their place."""
    assert evaluate(rows)["affect_refused"] == [
        "No clip has a true valence or arousal, so neither is compared."
    ]

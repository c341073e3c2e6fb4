from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.errors import AvemotionError, ErrorCode
from tests.unit.training.evaluation.scores import LABELS, UNKNOWN, make_scored, with_affect
from training.evaluation.report import build_report, read_report, write_report
from training.evaluation.scored import Scored
from training.evaluation.telling import rates_of
from training.evaluation.temperature import fit_temperature

CONSTANTS = {label: (0.1 * place, -0.1 * place) for place, label in enumerate(LABELS)}


def test_report_holds_the_figures_of_the_samples() -> None:
    """Rates, confusion and temperature are those that the parts compute."""
    made = make_scored()
    report = build_report(made, title="A model")

    assert report.rates == rates_of(made)
    assert np.sum(report.confusion) == 280
    assert np.trace(report.confusion) / 280 == report.rates.war.value
    assert report.calibration.temperature == fit_temperature(made.logits, made.truth).value
    assert (report.majority_war, report.chance_uar) == (pytest.approx(1 / 7), pytest.approx(1 / 7))
    assert (report.bootstrap.unit, report.bootstrap.clusters, report.bootstrap.draws) == (
        "speakers",
        20,
        2000,
    )
    assert report.notes == ()


def test_scaling_mends_what_is_too_sure() -> None:
    """Logits that are five times too large are badly calibrated before, and well after."""
    made = make_scored(signal=2)
    report = build_report(make_scored(logits=5 * np.array(made.logits)), title="Too sure")
    before, after = report.calibration.before, report.calibration.after

    assert before.ece > 0.15
    assert after.ece < 0.08
    assert before.nll.value is not None
    assert after.nll.value is not None
    assert after.nll.value < before.nll.value
    assert sum(entry.samples for entry in after.bins) == 280


def test_document_is_read_again(tmp_path: Path) -> None:
    """What write_report wrote is the same report, plain JSON with a version and no NaN."""
    made = make_scored(**with_affect(make_scored(), "annotated"))
    report = build_report(
        made,
        title="A model",
        curves={"fold 1": [{"epoch": 1, "train_loss": 0.5, "validation_loss": float("nan"), "war": None}]},
        ablation={"video only": make_scored(signal=0.5)},
        context={"seeds": [1, 2], "recipe": {"epochs": 3, "mixup": None}},
        pseudo_labels=CONSTANTS,
        details={key: {"sex": "female" if row % 2 else "male"} for row, key in enumerate(made.keys)},
    )
    document, page = write_report(report, tmp_path / "new" / "folder")

    assert read_report(document) == report
    assert json.loads(document.read_text())["format"] == 1
    assert "NaN" not in document.read_text()
    assert report.curves["fold 1"][0]["validation_loss"] is None
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert sorted(path.name for path in document.parent.iterdir()) == ["report.html", "report.json"]


def test_constants_of_a_class_are_no_regression() -> None:
    """Agreement with pseudo-labels stands apart, and says what it is."""
    affect = build_report(make_scored(**with_affect(make_scored(), "class_constant")), title="A").affect

    assert affect.regression == ()
    assert [row.dimension for row in affect.class_constants] == ["valence", "arousal"]
    assert "no result of regression" in affect.sentence


def test_annotated_samples_alone_count_for_regression() -> None:
    """In a mixture only what people annotated is compared as regression."""
    made = make_scored()
    columns = with_affect(made, "annotated")
    columns["affect_sources"] = ["annotated"] * 100 + ["class_constant"] * 180
    affect = build_report(make_scored(**columns), title="A", pseudo_labels=CONSTANTS).affect
    expected = build_report(make_scored(**columns).rows(np.arange(100)), title="A").affect

    assert affect.regression == expected.regression
    assert [row.samples for row in affect.class_constants] == [180, 180]
    assert affect.pseudo_labels == CONSTANTS


def test_nothing_is_said_of_affect_that_nobody_knows() -> None:
    """Without true or predicted values there are no figures, and a sentence instead."""
    columns = with_affect(make_scored(), "annotated") | {"valence": np.full(280, np.nan)}
    one = build_report(make_scored(**columns), title="A").affect
    none = build_report(make_scored(), title="A").affect

    assert [row.dimension for row in one.regression] == ["arousal"]
    assert (none.regression, none.class_constants) == ((), ())
    assert "nothing is reported" in none.sentence


def test_unlabelled_samples_count_for_affect_only() -> None:
    """A sample without a true emotion is left out of rates, and named in a note."""
    truth = np.where(np.arange(280) % 4 == 0, -1, np.array(make_scored().truth))
    made = make_scored(truth=truth, **with_affect(make_scored(), "annotated"))
    report = build_report(made, title="A")

    assert (report.samples, report.rates.samples) == (280, 210)
    assert report.affect.regression[0].samples == 280
    assert any(note.startswith("70 of 280 samples have no true emotion") for note in report.notes)


def test_reader_is_told_what_limits_the_figures() -> None:
    """Unknown speakers and labels that do not occur are noted."""
    truth = np.where(np.array(make_scored().truth) == 1, 0, np.array(make_scored().truth))
    report = build_report(make_scored(truth=truth, speakers=UNKNOWN), title="A")

    assert report.absent == ("disgust",)
    assert report.chance_uar == pytest.approx(1 / 6)
    assert report.majority_war == pytest.approx(2 / 7)
    assert "speakers are not known" in report.notes[0]
    assert "No sample has the label disgust" in report.notes[1]
    assert report.by_label[1].recall.value is None


def test_temperature_comes_from_validation_samples_where_given() -> None:
    """Separate held-out samples fit the temperature."""
    validation = make_scored(seed=1, datasets=["other"] * 280)
    report = build_report(make_scored(), title="A", validation=validation)

    assert report.calibration.temperature == fit_temperature(validation.logits, validation.truth).value
    assert "validation" in report.calibration.basis


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        (np.full(280, -1), "None of the samples has a true emotion"),
        (np.full(280, 2), "All labelled samples are fear"),
    ],
)
def test_nothing_to_tell_apart_is_refused(truth: Any, message: str) -> None:
    """Without truth, or with one label only, there is no report."""
    with pytest.raises(AvemotionError, match=message) as caught:
        build_report(make_scored(truth=truth), title="A")
    assert caught.value.code is ErrorCode.INVALID_DATASET


@pytest.mark.parametrize("value", [Path("a"), float("nan"), {"deep": [float("inf")]}])
def test_context_that_is_no_json_is_refused(value: Any) -> None:
    """What cannot be written down is named by its place."""
    with pytest.raises(AvemotionError, match=r"cannot be put together: context\.recipe"):
        build_report(make_scored(), title="A", context={"recipe": value})


def test_few_samples_still_make_a_report() -> None:
    """Two samples of two labels give figures, if rough ones."""
    made = make_scored()
    report = build_report(made.rows(np.array([0, 1])), title="A")

    assert report.rates.samples == 2
    assert report.calibration.note == "there are only 2 labelled samples"


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file in the folder's place ends in a sentence."""
    (tmp_path / "taken").write_text("")
    report = build_report(make_scored(), title="A")

    with pytest.raises(AvemotionError, match="taken cannot be made: File exists") as caught:
        write_report(report, tmp_path / "taken")
    assert caught.value.code is ErrorCode.INVALID_REQUEST


def test_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    """A folder in the page's place ends in a sentence, and no half-written file stays."""
    (tmp_path / "report.html").mkdir()

    with pytest.raises(AvemotionError, match=r"report\.html cannot be written: Is a directory"):
        write_report(build_report(make_scored(), title="A"), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report.json"}


@pytest.mark.parametrize("content", ["", "{}", '{"format": 2}', "[1"])
def test_other_documents_are_no_reports(tmp_path: Path, content: str) -> None:
    """A damaged or foreign file is refused by name."""
    path = tmp_path / "report.json"
    path.write_text(content)

    with pytest.raises(AvemotionError, match=r"report\.json is no report of this version"):
        read_report(path)
    with pytest.raises(AvemotionError, match=r"other\.json cannot be read"):
        read_report(tmp_path / "other.json")


def test_same_samples_give_the_same_report() -> None:
    """Nothing but the date differs between two reports of the same samples."""

    def document(scored: Scored) -> dict[str, Any]:
        return build_report(scored, title="A").model_dump(exclude={"date"})

    assert document(make_scored()) == document(make_scored())

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.client.evaluate.conftest import Evaluate
from tests.unit.client.evaluate.results_files import Rows, fail, rows_of
from tests.unit.training.evaluation.scores import LABELS, make_scored
from training.evaluation.report import build_report


@pytest.mark.parametrize("name", ["results.csv", "results.jsonl", "results.parquet"])
def test_figures_are_those_of_a_training_report(evaluate: Evaluate, rows: Rows, name: str) -> None:
    """Rates, intervals, recalls and confusion of a file are those of the same scores, in every format."""
    wanted = build_report(make_scored(), title="")

    found = evaluate(rows, name=name)["report"]

    assert found["rates"] == wanted.model_dump(mode="json")["rates"]
    assert found["by_label"] == wanted.model_dump(mode="json")["by_label"]
    assert found["confusion"] == [list(row) for row in wanted.confusion]
    assert found["calibration"]["before"]["ece"] == pytest.approx(wanted.calibration.before.ece, abs=1e-6)
    assert found["bootstrap"]["unit"] == "speakers"
    assert found["bootstrap"]["clusters"] == 20


def test_the_terminal_shows_what_was_found(
    evaluate: Evaluate, rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rates, recall by emotion and confusion are printed, with intervals and what else must be known."""
    found = evaluate(rows)["report"]
    out = capsys.readouterr().out

    uar = found["rates"]["uar"]
    assert f"{uar['value']:.3f}  {uar['low']:.3f} to {uar['high']:.3f}" in out
    lines = [line.split() for line in out.splitlines()]
    for row, counts in zip(found["by_label"], found["confusion"], strict=True):
        recall = row["recall"]
        ends = [f"{recall[end]:.3f}" for end in ("value", "low", "high")]
        named = [line for line in lines if line[:1] == [row["label"]]]
        assert named[0][:6] == [row["label"], str(row["support"]), ends[0], ends[1], "to", ends[2]]
        assert named[1] == [row["label"], *map(str, counts)]
    assert "its card says what it was trained on" in out


def test_failed_clips_are_told_and_left_out(
    evaluate: Evaluate, rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    """Failures are counted by code, no figure counts them, and accuracy with them as wrong is told beside."""
    for row in rows[:28]:
        fail(row)
    fail(rows[28], "media_unreadable")

    found = evaluate(rows)

    answered = rows[29:]
    right = sum(row["emotion"] == row["true_emotion"] for row in answered)
    assert found["failed"] == {"no_face_found": 28, "media_unreadable": 1}
    assert found["report"]["rates"]["samples"] == 251
    assert found["report"]["rates"]["war"]["value"] == pytest.approx(right / 251)
    assert found["war_with_failures"]["value"] == pytest.approx(right / 280)
    out = capsys.readouterr().out
    assert "29 of 280 clips failed and are left out (no_face_found 28, media_unreadable 1)" in out
    assert f"WAR, failed clips as wrong      {right / 280:.3f}" in out


def test_without_failures_there_is_one_accuracy(evaluate: Evaluate, rows: Rows) -> None:
    """No second accuracy is shown where nothing failed."""
    assert evaluate(rows)["war_with_failures"] is None


def test_what_has_not_ended_is_no_failure(evaluate: Evaluate, rows: Rows) -> None:
    """Cancelled and waiting clips are told, and are neither right nor wrong."""
    rows[0]["status"], rows[1]["status"] = "cancelled", "queued"

    found = evaluate(rows)

    assert found["open"] == {"cancelled": 1, "queued": 1}
    assert found["war_with_failures"] is None
    assert found["report"]["rates"]["samples"] == 278


def test_emotions_that_the_model_does_not_know_are_left_out(evaluate: Evaluate, rows: Rows) -> None:
    """A clip of another emotion, or of none, is told and counts for no figure."""
    rows[0]["true_emotion"], rows[1]["true_emotion"], rows[2]["true_emotion"] = "boredom", "", "anger;fear"

    found = evaluate(rows)

    assert found["left_out"] == {
        "the model does not know boredom": 1,
        "no true emotion": 1,
        "several true emotions alike": 1,
    }
    assert found["report"]["rates"]["samples"] == 277


def test_emotions_may_be_spelled_as_data_sets_do(evaluate: Evaluate, rows: Rows) -> None:
    """Angry is anger, whatever the case."""
    plain = evaluate(rows)["report"]["rates"]
    for row in rows:
        row["true_emotion"] = {"anger": "ANGRY", "happiness": "happy"}.get(
            row["true_emotion"], row["true_emotion"]
        )
    assert evaluate(rows)["report"]["rates"] == plain


def test_the_largest_share_is_the_true_emotion(evaluate: Evaluate, rows: Rows) -> None:
    """Of shares the largest counts; where two are alike no figure counts the clip."""
    plain = evaluate(rows[1:])["report"]["confusion"]
    for row in rows:
        top = row.pop("true_emotion")
        shares = {f"true_{label}": 0.6 if label == top else None for label in LABELS}
        shares["true_surprise" if top != "surprise" else "true_anger"] = 0.4
        row.update(shares)
    rows[0].update({"true_anger": 0.5, "true_surprise": 0.5})

    found = evaluate(rows)

    assert found["report"]["confusion"] == plain
    assert found["left_out"] == {"several true emotions alike": 1}


def test_parts_are_compared(evaluate: Evaluate, capsys: pytest.CaptureFixture[str]) -> None:
    """--by tells the figures of each fold, in the order of numbers, and their intervals."""
    scored = make_scored(people=33, folds=11)
    found = evaluate(rows_of(scored), "--by", "fold")["parts"]

    assert found["by"] == "fold"
    assert [row["value"] for row in found["rows"]] == [str(number) for number in range(1, 12)]
    part = scored.rows(scored.folds == 10)
    right = part.logits.argmax(-1) == part.truth
    assert found["rows"][9]["rates"]["war"]["value"] == pytest.approx(right.mean())
    assert found["rows"][9]["samples"] == 42
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert any(line[:3] == ["10", "42", f"{right.mean():.3f}"] for line in lines)


def test_speakers_and_data_sets_are_parts_too(evaluate: Evaluate) -> None:
    """--by takes speaker and dataset; rows that do not say it are in no part."""
    rows = rows_of(make_scored(datasets=["a"] * 140 + ["b"] * 140))
    rows[0]["dataset"] = ""
    by_dataset = evaluate(rows, "--by", "dataset")["parts"]["rows"]
    assert [(row["value"], row["samples"]) for row in by_dataset] == [("a", 139), ("b", 140)]
    by_speaker = evaluate(rows, "--by", "speaker")["parts"]["rows"]
    assert len(by_speaker) == 20
    assert {row["samples"] for row in by_speaker} == {14}


def test_a_model_of_several_in_a_batch_may_lack_a_label(evaluate: Evaluate, rows: Rows) -> None:
    """An empty probability beside others is a label that the row's model does not know."""
    for row in rows:
        rest = 1 - row["p_surprise"]
        row.update({f"p_{label}": row[f"p_{label}"] / rest for label in LABELS[:-1]}, p_surprise=None)

    found = evaluate(rows)["report"]

    assert np.array(found["confusion"])[:, -1].sum() == 0


def test_untrained_models_are_told(
    evaluate: Evaluate, rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing untrained looks like a result."""
    for row in rows:
        row["trained"] = False
    assert "The model has not been trained: its numbers mean nothing." in evaluate(rows)["notes"]
    assert "The model has not been trained" in capsys.readouterr().out


def test_columns_of_a_manifest_do_not_disturb(evaluate: Evaluate, rows: Rows) -> None:
    """Columns that a manifest brought stand behind, whatever they are called."""
    plain = evaluate(rows)["report"]["rates"]
    for row in rows:
        row.update({"p_id": "P07", "true_status": "checked", "room": "kitchen"})
    assert evaluate(rows)["report"]["rates"] == plain


def test_only_what_is_needed_has_to_be_there(evaluate: Evaluate, rows: Rows) -> None:
    """Probabilities and true emotions are enough; then clips are drawn, and that is told."""
    bare = [
        {name: cell for name, cell in row.items() if name.startswith("p_") or name == "true_emotion"}
        for row in rows
    ]
    found = evaluate(bare)
    assert found["report"]["bootstrap"]["unit"] == "samples"
    assert any("speakers are not known" in note for note in found["notes"])


def test_nothing_in_a_file_steers_the_terminal(
    evaluate: Evaluate, rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    """Control characters in codes, emotions and speakers are shown as escapes."""
    fail(rows[0], "\x1b[2Jgone")
    rows[1]["true_emotion"] = "\x1b]0;title\x07"
    rows[2]["speaker"] = "made-up/\x1b[31m"
    evaluate(rows, "--by", "speaker")
    assert "\x1b" not in "".join(capsys.readouterr())


def test_the_page_needs_nothing_else(evaluate: Evaluate, rows: Rows, tmp_path: Path) -> None:
    """--html writes one page with the same figures, which loads nothing and escapes every name."""
    for row in rows:
        row["model_id"] = "<script>alert(1)</script>"
    fail(rows[0], "<b>bold</b>")
    page = tmp_path / "page.html"

    found = evaluate(rows, "--html", str(page), "--by", "fold")

    html = page.read_text()
    assert f"<b>{found['report']['rates']['uar']['value']:.3f}</b>" in html
    assert f"{found['war_with_failures']['value']:.3f}" in html
    assert "default-src 'none'" in html
    assert "<script>alert(1)" not in html
    assert "<b>bold</b>" not in html
    assert "none of them trained on" not in html
    assert "By fold" in html

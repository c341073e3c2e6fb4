from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from client.render.result import Result
from shared.schemas.jobs import JobDocument
from tests.unit.client.documents import (
    LABELS,
    checked,
    make_document,
    make_summary,
    make_untrained,
    make_windows,
)


def drawn(document: dict[str, Any], *, width: int = 80, encoding: str = "utf-8", color: bool = False) -> str:
    """Return what is printed, as it stands in a terminal of this width."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    console = Console(file=file, width=width, highlight=False, force_terminal=color)
    console.print(Result("clip.mp4", JobDocument.model_validate(document)))
    file.flush()
    return raw.getvalue().decode(encoding)


def test_a_trained_result_leads_with_the_emotion() -> None:
    """The emotion, its probability, valence and arousal come first; no banner."""
    lines = [line.strip() for line in drawn(make_document()).splitlines() if line.strip()]
    assert lines[0] == "clip.mp4"
    assert lines[1] == "4.0 s · 1280x720 at 29.97 frames/s · sound at 44.1 kHz"
    assert lines[2] == "happiness  72%   valence +0.61   arousal -0.32"
    assert "NOT" not in drawn(make_document())


def test_every_label_has_its_probability() -> None:
    """All probabilities are shown, the highest first."""
    text = drawn(make_document())
    assert re.findall(r"^  (\w+) +█+.*?([\d.]+)%$", text, re.MULTILINE)[0] == ("happiness", "72.4")
    for label in LABELS:
        assert re.search(rf"^  {label} .*\d%$", text, re.MULTILINE)


def test_an_untrained_model_never_looks_like_a_result() -> None:
    """A banner stands before any number, nothing is called the emotion, and it is said again below."""
    text = drawn(make_untrained())
    banner = text.index("NOT A RESULT: THE MODEL IS NOT TRAINED")
    assert not re.search(r"\d%", text[:banner])
    assert "happiness  72%" not in text
    assert "videomae-tiny-untrained (tiny, early fusion), NOT TRAINED" in text
    assert "warning  The model has not been trained: its numbers mean nothing." in text


def test_a_result_of_an_unknown_model_is_taken_for_untrained() -> None:
    """Without a word on the model its numbers stand under the banner."""
    assert "NOT A RESULT" in drawn(make_document(model=None))


def test_what_made_the_numbers_is_said() -> None:
    """Model, weights, modalities, analyzer, faces, times and job are listed."""
    text = " ".join(drawn(make_document()).split())
    for fact in (
        "model videomae-small-crema (small, early fusion), trained",
        "weights sha256 4f4f4f4f4f4f",
        "from face and voice",
        "faces one face, usable in 96 of 100 frames, seen by landmarker 1.2",
        "time 3.2 s, 0.10 s of it waiting",
        "stages ingest 0.20, faces 1.41, sound 0.30, fusion 0.05, inference 0.80 (seconds)",
        "job 0198c0de-0000-7000-8000-000000000001",
    ):
        assert fact in text


def test_warnings_are_in_plain_words() -> None:
    """Each warning is a line with its sentence."""
    warnings = [
        {"code": "several_faces", "message": "More than one face was seen; the largest was followed."},
        {"code": "short_clip", "message": "The clip is shorter than one window; its frames were repeated."},
    ]
    text = drawn(make_document(warnings=warnings))
    for warning in warnings:
        assert f"warning  {warning['message']}" in text


def test_video_alone() -> None:
    """A clip without sound says so, above and below."""
    media = {"duration_s": 4.0, "fps": 30.0, "width": 176, "height": 144, "sample_rate": None}
    windows = make_windows(2, modalities=["video"])
    text = drawn(make_document(media=media, modalities=["video"], windows=windows))
    assert "4.0 s · 176x144 at 30 frames/s · no sound" in text
    assert "from     face alone" in text


def test_voice_alone() -> None:
    """Sound without a picture has no line on faces."""
    media = {"duration_s": 4.0, "fps": None, "width": None, "height": None, "sample_rate": 16000}
    text = drawn(make_document(media=media, modalities=["audio"], analyzer=None))
    assert "4.0 s · no picture · sound at 16 kHz" in text
    assert "from     voice alone" in text
    assert "seen by" not in text


def test_a_modality_that_is_missing_at_times_is_counted() -> None:
    """Where the face is seen in some windows only, their number is given."""
    windows = make_windows(3) + make_windows(2, modalities=["audio"])
    assert "face and voice; face in 3 of 5 windows" in drawn(make_document(windows=windows))


def test_one_window_has_a_plot() -> None:
    """A clip of one window is plotted like any other, and named as such."""
    text = drawn(make_document(windows=make_windows(1)))
    assert "Over time: one window, 0:00 to 0:02" in text
    assert re.search(r"happiness +█{12} +0%", text)
    assert re.search(r"0┼●{12} ", text)


def test_sixty_windows_fit() -> None:
    """Two minutes are plotted at 80 columns with their times below."""
    text = drawn(make_document(windows=make_windows(60)))
    assert "Over time: 60 windows of 2 s" in text
    assert re.search(r"0:00 +1:00 +2:00", text)


def test_windows_without_scores_leave_a_gap() -> None:
    """A window with neither face nor voice is a gap, not a zero."""
    silent: dict[str, Any] = {"probabilities": None, "valence": None, "arousal": None, "modalities": []}
    windows = make_windows(3)
    windows[1] |= silent
    assert re.search(r"happiness +█{12}·{12}█{12}", drawn(make_document(windows=windows)))


def test_no_scored_window_means_no_plot() -> None:
    """Without one scored window the plot is left out, not drawn empty."""
    silent: dict[str, Any] = {"probabilities": None, "valence": None, "arousal": None, "modalities": []}
    assert "Over time" not in drawn(make_document(windows=make_windows(2, **silent)))
    assert "Over time" not in drawn(make_document(windows=[]))


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("count", [1, 2, 500])
def test_nothing_is_wider_than_the_terminal(width: int, count: int) -> None:
    """Every line keeps within the width, and within 100 columns in a wide terminal."""
    for document in (make_document, make_untrained):
        text = drawn(document(windows=make_windows(count)), width=width)
        assert max(cell_len(line.rstrip()) for line in text.splitlines()) <= min(width, 100)


def test_a_plain_terminal_gets_ascii() -> None:
    """Where the terminal knows no more than ASCII, nothing else is sent."""
    assert drawn(make_untrained(windows=make_windows(60)), encoding="ascii").isascii()


@pytest.mark.parametrize("color", [False, True])
def test_words_from_elsewhere_cannot_steer_the_terminal(color: bool) -> None:
    """Escapes in a model's id, a label or a message are shown, and markup is not obeyed."""
    evil = "\x1b]0;owned\x07[red]x"
    summary = make_summary() | {"emotion": evil, "probabilities": {evil: 0.6, "neutral": 0.4}}
    model = make_document()["model"] | {"id": evil}
    warnings = [{"code": "x", "message": evil}]
    text = drawn(make_document(summary=summary, model=model, warnings=warnings), color=color)
    assert "\x1b]0;" not in text
    assert "\x07" not in text
    assert text.count("\\x1b]0;owned\\x07[red]x") >= 4


def test_labels_of_any_length_are_aligned() -> None:
    """A long label widens its column; bars still end at the same place."""
    label = "contempt mixed with boredom"
    summary = make_summary() | {"probabilities": {label: 0.7, "calm": 0.3}, "emotion": label}
    windows = make_windows(3, probabilities={label: 0.7, "calm": 0.3})
    text = drawn(checked(make_document(summary=summary, windows=windows)))
    rows = [line for line in text.splitlines() if re.search(r"█.*\d%$", line)]
    assert len({len(row) for row in rows[:2]}) == 1

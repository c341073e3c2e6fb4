from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from bench.checkpoint.figures import comparison_of, complete, telling_of
from bench.checkpoint.report import tables
from bench.checkpoint.results import ClipRow, Clips, Result, Speed, SpeedRow, Stills
from tests.unit.bench.checkpoint.material import LABELS, face, scores_of
from training.evaluation.telling import rates_of

FACES = [face("a", "anger"), face("b", "happiness"), face("c", "neutral")]
RIGHT = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]


def printed(result: Result) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        for shown in tables(result):
            console.print(shown)
    return capture.get()


def test_stills_are_told_with_and_without_those_that_show_no_face() -> None:
    """Both rows are there, with the share of each emotion among the answers."""
    scores = scores_of(FACES, [*RIGHT[:2], None])
    everything = complete(scores, FACES, LABELS)
    text = printed(
        Stills(
            data="stills",
            pictures=3,
            without_face=1,
            all_pictures=rates_of(everything),
            with_face=telling_of(scores.scored),
        )
    )
    assert "0.667" in text
    assert "1.000" in text
    assert all(label in text for label in LABELS)


def test_a_comparison_tells_each_change_with_its_sign() -> None:
    """The reference comes first, each other with what it gains or loses, and what to know of it."""
    reference = complete(scores_of(FACES, RIGHT), FACES, LABELS)
    worse = complete(scores_of(FACES, [RIGHT[0], RIGHT[0], RIGHT[2]]), FACES, LABELS)
    result = comparison_of("title", ("plain", reference), {"dark": worse}, ("Mind this.",))
    lines = printed(result).splitlines()
    assert next(line for line in lines if line.startswith(" plain")).split()[1:] == ["1.000", "1.000"]
    assert "\N{MINUS SIGN}0.333" in next(line for line in lines if line.startswith(" dark"))
    assert lines[-1] == "Mind this."
    # No interval in it is NaN, which JSON has not.
    assert json.loads(result.model_dump_json())["rows"][0]["name"] == "dark"


def test_clips_of_which_nothing_is_said_have_a_dash() -> None:
    """A clip without a voice shows no emotion for its voice alone."""
    row = ClipRow(
        clip="a",
        truth="anger",
        said={"face": "anger", "voice": None},
        confidence={"face": 0.5, "voice": None},
    )
    text = printed(Clips(rows=(row,), labelled=1, right={"face": 1, "voice": 0}))
    assert next(line for line in text.splitlines() if line.startswith(" a ")).split() == [
        *("a", "anger", "anger", "0.500", "-")
    ]


def test_speed_is_told_in_seconds_and_of_real_time() -> None:
    """Median, fastest and slowest of several jobs, on so many cores."""
    row = SpeedRow(
        clip="a",
        duration_s=60,
        total_s=(20, 30, 25),
        stages_s=(18, 27, 22),
        median_s=25,
        of_real_time=25 / 60,
    )
    text = printed(Speed(cores=2, rows=(row,)))
    assert "2 cores" in text
    assert all(figure in text for figure in ("25.00 s", "20.00 s", "30.00 s", "22.00 s", "0.42"))


def test_a_folder_without_a_model_is_refused_by_a_sentence(tmp_path: Path) -> None:
    """The command ends with exit code 1 and one line, before anything is loaded."""
    ended = subprocess.run(
        [sys.executable, "-m", "bench.checkpoint", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert (
        ended.stderr.strip()
        == f"{tmp_path} holds no model. config.json cannot be read: No such file or directory."
    )

"""The command itself: read, evaluate, print, write."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from client.render.text import display_path
from shared.outputs import check_output, replacing


class By(enum.StrEnum):
    """What parts may share."""

    FOLD = "fold"
    SPEAKER = "speaker"
    DATASET = "dataset"


def evaluate(
    results: Annotated[
        Path,
        typer.Argument(metavar="RESULTS", help="A .csv, .jsonl or .parquet that `avemotion score` wrote."),
    ],
    *,
    by: Annotated[By | None, typer.Option(help="Compare the parts of the results, too.")] = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures as JSON.")
    ] = None,
    html_path: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page with plots that opens without a network."),
    ] = None,
) -> None:
    """Compare results with what is true of the clips: accuracy, recall, F1, confusion, CCC, calibration.

    What is true stands beside the answers, where `avemotion score` put it (`--dataset NAME`, or a manifest
    with the column `emotion`). Intervals (95 %) are from drawing speakers with replacement. Failed clips are
    left out and told.
    """
    from client.evaluate.answers import read_answers  # noqa: PLC0415 - brings NumPy, not needed for --help
    from client.evaluate.evaluation import evaluate as evaluate_answers  # noqa: PLC0415 - the same
    from client.evaluate.results import open_results  # noqa: PLC0415 - the same
    from client.evaluate.tables import print_evaluation  # noqa: PLC0415 - the same
    from training.evaluation.served import page_of_evaluation  # noqa: PLC0415 - the same

    for path, suffix in ((json_path, ".json"), (html_path, ".html")):
        if path is not None:
            check_output(path, suffix)
    console = Console(stderr=True, highlight=False)
    with console.status("drawing speakers for the intervals", spinner="line"):
        found = open_results(results)
        evaluation = evaluate_answers(read_answers(found), found.name, by)
    print_evaluation(evaluation)
    if json_path is not None:
        _write(json_path, evaluation.model_dump_json(indent=2) + "\n", console)
    if html_path is not None:
        _write(html_path, page_of_evaluation(evaluation), console)


def _write(path: Path, text: str, console: Console) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    console.print(f"Written: {display_path(path)}", markup=False, soft_wrap=True)

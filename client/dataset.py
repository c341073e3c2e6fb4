"""``avemotion dataset``: look at a data set before anyone trains on it."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from client.render.text import display_path, printable
from shared.errors import AvemotionError, ErrorCode, TransientError

if TYPE_CHECKING:
    from training.datasets.dataset import Dataset, Problem
    from training.datasets.layout import Layout
    from training.datasets.probing import Probed

MOST_SPEAKERS = 24
"""More are summed up; --json lists them all."""
SHOWN_PROBLEMS = 3
PLAIN_WIDTH = 240
"""Columns of a table that goes into a file or a pipe: nothing is cut off there."""

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Look at a data set before training.")


@app.callback()
def _dataset() -> None:
    """Look at a data set before training."""


@app.command()
def check(  # noqa: PLR0913 - a command's options
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The data set's folder.")],
    *,
    name: Annotated[
        str | None, typer.Option(help="crema-d, enterface, mafw, ravdess, emodb, fer2013 or manifest.")
    ] = None,
    folds: Annotated[
        Path | None, typer.Option(help="CSV with clip, test_fold and perhaps label_index.")
    ] = None,
    fold_count: Annotated[
        int | None, typer.Option(min=2, help="Folds to make where there are none.  [default: 5]")
    ] = None,
    labels_from: Annotated[
        str | None,
        typer.Option(
            help="CREMA-D: intention, votes, face-votes, voice-votes. MAFW: single, compound, annotation."
        ),
    ] = None,
    manifest: Annotated[Path | None, typer.Option(help="The manifest, if not manifest.csv.")] = None,
    songs: Annotated[bool, typer.Option("--songs", help="RAVDESS: take sung clips too.")] = False,
    class_constants: Annotated[
        bool, typer.Option("--class-constants", help="Give clips the valence and arousal of their class.")
    ] = False,
    partial: Annotated[bool, typer.Option("--partial", help="A part of the data set will do.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Open and read every file, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Say what a folder holds, what is missing, broken or misnamed, by class, speaker and fold.

    Exit code: 1 if it is the wrong folder, is empty, or holds only a part of its data set.
    """
    from training.datasets.registry import layout_of, recognise  # noqa: PLC0415 - not needed for --help

    options = {
        "fold_file": folds,
        "fold_count": fold_count,
        "labels_from": labels_from,
        "manifest": manifest,
        "songs": songs or None,
        "class_constants": class_constants,
    }
    name = name or ("manifest" if manifest else None)
    layouts = [layout_of(name)] if name else recognise(folder)
    if not layouts:
        raise AvemotionError(
            ErrorCode.INVALID_DATASET,
            f"{display_path(folder)} looks like no data set that is known here; --name says which it is.",
        )
    if not name:
        found = " and ".join(layout.title for layout in layouts)
        typer.echo(f"By its files this is {found}; --name says otherwise.", err=True)
    fault: AvemotionError | None = None
    for layout in layouts:
        dataset, gap = _read(layout, folder, options, partial=partial)
        probed = _probe(dataset) if deep else None
        if as_json:
            _write_json(dataset, layout, probed, gap, alone=len(layouts) == 1)
        else:
            _print(dataset, layout, probed)
        fault = fault or gap
    if fault is not None:
        raise fault


def _read(
    layout: Layout, folder: Path, options: dict[str, Any], *, partial: bool
) -> tuple[Dataset, AvemotionError | None]:
    """Return a data set, and what is wrong with it if training would refuse it for being a part only."""
    from training.datasets.dataset import read_dataset  # noqa: PLC0415 - not needed for --help

    try:
        return read_dataset(layout.name, folder, **options, partial=partial), None
    except AvemotionError as error:
        if partial or error.code is not ErrorCode.INVALID_DATASET:
            raise
        # Whatever is wrong beside a gap is raised again here.
        return read_dataset(layout.name, folder, **options, partial=True), error


def _probe(dataset: Dataset) -> Probed:
    from shared.settings import get_settings  # noqa: PLC0415 - not needed for --help
    from training.datasets.probing import probe_files  # noqa: PLC0415 - brings FFmpeg
    from worker.model.hardware import available_cores  # noqa: PLC0415 - not needed for --help

    console = Console(stderr=True)
    columns = (TextColumn("files"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_interactive) as bar:
        task = bar.add_task("files", total=len(dataset.samples))
        try:
            return probe_files(
                dataset.folder,
                dataset.samples,
                get_settings(),
                processes=available_cores(),
                advance=lambda: bar.advance(task),
            )
        except TransientError as error:
            # Nobody tries again by himself here.
            raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, f"{error} Try again later.") from error


def _write_json(
    dataset: Dataset, layout: Layout, probed: Probed | None, gap: AvemotionError | None, *, alone: bool
) -> None:
    """Write a document to stdout: indented if there is but one, else one a line."""
    from training.datasets.survey import document  # noqa: PLC0415 - not needed for --help

    content = {**document(dataset, layout, probed), "refused": gap.message if gap else None}
    # Escaped to ASCII: nothing in it can steer a terminal or break on its encoding.
    sys.stdout.write(json.dumps(content, indent=2 if alone else None) + "\n")


def _print(dataset: Dataset, layout: Layout, probed: Probed | None) -> None:
    from training.datasets.survey import findings  # noqa: PLC0415 - not needed for --help

    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    title = layout.title if dataset.name == layout.name else dataset.name
    console.print(Text(f"{printable(title)}: {len(dataset.samples):,} samples", style="bold"))
    console.print(_classes(dataset, console))
    console.print(_speakers(dataset, console))
    for line in _problems((*dataset.problems, *(probed.problems if probed else ()))):
        console.print(Text(line))
    console.print(Text("What follows", style="bold"))
    for sentence in findings(dataset, layout, probed) or ["Nothing stands in the way of training."]:
        console.print(Text(f"  {printable(sentence)}"))
    console.print()


def _classes(dataset: Dataset, console: Console) -> Table:
    """Return samples by class and fold; the last rows count samples and speakers."""
    from training.datasets.survey import by_class, sides  # noqa: PLC0415 - not needed for --help

    parts = sides(dataset)
    if list(parts) == ["train"]:
        # Without folds and split the only part is the whole.
        parts = {}
    table = _table(console, "class", "samples", *parts)
    columns = [dataset.samples, *parts.values()]
    counts = [by_class(dataset, samples) for samples in columns]
    for label in dataset.labels:
        table.add_row(label, *(f"{count[label]:,.6g}" for count in counts))
    table.add_row("all", *(f"{len(samples):,}" for samples in columns))
    table.add_row("speakers", *(f"{len({one.speaker for one in samples} - {None}):,}" for samples in columns))
    return table


def _speakers(dataset: Dataset, console: Console) -> Table | Text:
    """Return samples by speaker; of many speakers the range alone."""
    from training.datasets.splits import side_of  # noqa: PLC0415 - not needed for --help
    from training.datasets.survey import by_class, by_speaker  # noqa: PLC0415 - the same

    speakers = by_speaker(dataset)
    if not speakers:
        return Text("Nobody knows who the speakers are.")
    if len(speakers) > MOST_SPEAKERS:
        sizes = [len(samples) for samples in speakers.values()]
        each = f"{min(sizes):,} to {max(sizes):,} samples each"
        return Text(f"{len(speakers)} speakers with {each}; --json has them all.")
    # Whole names stand in the table above, in the same order; here they would not fit side by side.
    table = _table(console, "speaker", "samples", "fold", *(label[:4] for label in dataset.labels))
    for speaker, samples in speakers.items():
        where = ", ".join(sorted({side_of(one).removeprefix("fold ") for one in samples}))
        own = printable(speaker.removeprefix(f"{dataset.name}/"))
        counts = by_class(dataset, samples).values()
        table.add_row(own, f"{len(samples):,}", where, *(f"{count:,.6g}" for count in counts))
    return table


def _table(console: Console, first: str, *others: str) -> Table:
    """Return an empty table, ruled on a terminal and plain elsewhere."""
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for other in others:
        table.add_column(other, justify="right", no_wrap=True)
    return table


def _problems(problems: Sequence[Problem]) -> list[str]:
    """Return how many problems of each kind there are, and the first of each."""
    groups: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        groups[problem.code].append(problem)
    lines = []
    for code, group in groups.items():
        lines.append(f"{code.replace('_', ' ')}: {len(group):,}")
        lines += [f"  {printable(problem.message)}" for problem in group[:SHOWN_PROBLEMS]]
        if len(group) > SHOWN_PROBLEMS:
            lines.append(f"  and {len(group) - SHOWN_PROBLEMS:,} more; --json has them all")
    return lines

"""The command itself: what was asked for, the service, the file of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from client.options import job_options
from client.render.text import display_path
from shared.catalog.config import FusionName
from shared.errors import AvemotionError, ErrorCode
from shared.schemas.jobs import AnalyzerName

if TYPE_CHECKING:
    from client.score.items import Selection

INTERRUPTED = 130


def score(  # noqa: PLR0913 - one argument an option
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH", help="Folders, files, patterns, or manifests: a CSV with a column `path`."
        ),
    ],
    *,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the results go: .csv, .jsonl or .parquet.")
    ],
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Service to score with, its key in AVEMOTION_API_KEY; one on this machine if not named.",
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="PATH is this data set: crema-d, enterface, mafw, ravdess or emodb. Its labels, speakers and"
            " folds go beside the results.",
        ),
    ] = None,
    labels_from: Annotated[
        str | None, typer.Option(help="Which labels of the data set; see `avemotion dataset check`.")
    ] = None,
    folds: Annotated[
        Path | None, typer.Option(help="The data set's folds: a CSV with clip, test_fold.")
    ] = None,
    fusion: Annotated[
        FusionName | None, typer.Option(help="How face and voice are joined; the model's own if not named.")
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="ID", help="Model to score with.")] = None,
    analyzer: Annotated[AnalyzerName | None, typer.Option(help="What sees the faces.")] = None,
    window: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Length of one window (0.25 to 30).")
    ] = None,
    stride: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Step between windows (0.1 to 60).")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that are there.")] = False,
) -> None:
    """Score many clips into one file: a row a clip, in the order in which they were named.

    Ctrl-C leaves what was done, and the same command again goes on with it; no clip is scored twice. A clip
    that cannot be scored gets a row that says why. Columns of a manifest are carried into the results; its
    columns emotion, valence and arousal as what is true, for `avemotion evaluate`.

    Exit code: 0 once the results are written, failed clips or not; 1 if there are none; 130 after Ctrl-C.
    """
    from client.score.running import complete  # noqa: PLC0415 - not needed for --help
    from client.score.writers import check_format  # noqa: PLC0415 - the same

    check_format(out)
    if out.exists() and not overwrite:
        message = f"{display_path(out)} is there already; take another --out, or --overwrite to replace it."
        raise AvemotionError(ErrorCode.INVALID_REQUEST, message)
    if server is not None:
        _check_address(server)
    options = job_options(fusion=fusion, model=model, analyzer=analyzer, window=window, stride=stride)
    selection = _select(paths, dataset, {"labels_from": labels_from, "fold_file": folds})
    if not complete(selection, options, out, server, Console(stderr=True, highlight=False)):
        raise typer.Exit(INTERRUPTED)


def _check_address(server: str) -> None:
    """Refuse what is no address of a service, before clips are looked for."""
    import httpx  # noqa: PLC0415 - not needed for --help

    try:
        url = httpx.URL(server)
    except httpx.InvalidURL as error:
        raise typer.BadParameter(f"is no address ({error}).", param_hint="--server") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise typer.BadParameter("is an address such as https://emotions.example.org.", param_hint="--server")


def _select(paths: Sequence[Path], dataset: str | None, options: Mapping[str, Any]) -> Selection:
    from client.score.labelled import select_dataset  # noqa: PLC0415 - not needed for --help
    from client.score.sources import select  # noqa: PLC0415 - the same

    if dataset is not None:
        return select_dataset(dataset, paths, options)
    if any(value is not None for value in options.values()):
        raise typer.BadParameter("goes with --dataset only.", param_hint="--labels-from or --folds")
    return select(paths)

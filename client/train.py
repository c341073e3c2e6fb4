"""``avemotion train``: from data sets to a report and a model that can be served."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from shared.catalog.config import FusionName
from shared.errors import AvemotionError, ErrorCode
from shared.outputs import make_folder
from shared.schemas.jobs import AnalyzerName

if TYPE_CHECKING:
    from training.fitting.start import Start


def train(  # noqa: PLR0913, PLR0917 - the options of a command
    recipe: Annotated[str, typer.Argument(help="A .toml file, or one of: finetune, probe, nano, overfit.")],
    data: Annotated[
        list[str], typer.Option("--data", help="NAME=FOLDER of a data set of the recipe; may be repeated.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for state, logs, report and model.")],
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE in the recipe, such as phases.0.epochs=3.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Imported encoder, or folder of a model, to start from.")
    ] = None,
    new_heads: Annotated[
        bool, typer.Option("--new-heads", help="With a model's folder: for other labels than the model's.")
    ] = False,
    folds: Annotated[str, typer.Option("--folds", help="`all`, `none`, or numbers such as 1,2.")] = "all",
    final: Annotated[
        bool, typer.Option("--final/--no-final", help="Also train the model itself, on all folds.")
    ] = True,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Folder of features; OUT/features when not given.")
    ] = None,
    fusion: Annotated[
        FusionName | None, typer.Option("--fusion", help="How face and voice are joined, if not as it says.")
    ] = None,
    ablation: Annotated[
        bool, typer.Option("--ablation", help="Also train the other two fusions, and compare them.")
    ] = False,
    analyzer: Annotated[
        AnalyzerName | None, typer.Option(help="What sees the faces; that of the settings if not named.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option("--processes", min=1, help="Making features; one a core when not given.")
    ] = None,
) -> None:
    """Train a model by a recipe. Started again with the same words, it goes on where it was ended.

    Example: `avemotion train finetune --data crema-d=CREMA-D --weights base.weights.h5 --out runs/crema-d`
    """
    from worker.model.compiled import load_backend  # noqa: PLC0415 - brings Keras, which other commands do without

    load_backend()
    from shared.settings import get_settings  # noqa: PLC0415 - with the rest
    from training.features.progress import fill_bar  # noqa: PLC0415 - as above
    from training.fitting.fusions import materials_with, with_fusion  # noqa: PLC0415 - as above
    from training.fitting.materials import divisions, gather  # noqa: PLC0415 - as above
    from training.fitting.provenance import card_facts  # noqa: PLC0415 - as above
    from training.fitting.recipe import load_recipe  # noqa: PLC0415 - as above
    from training.fitting.rounds import check_start  # noqa: PLC0415 - as above
    from training.fitting.start import Start  # noqa: PLC0415 - as above
    from training.fitting.training import run_training  # noqa: PLC0415 - as above
    from worker.model.hardware import available_cores  # noqa: PLC0415 - as above

    settings, console = get_settings(), Console(stderr=True)
    folders = {name: Path(folder) for name, folder in _pairs(data, "--data").items()}
    changed = {key: _value(value) for key, value in _pairs(changes or [], "--set").items()}
    chosen = load_recipe(recipe, changed, tuple(folders))
    if fusion is not None:
        chosen = with_fusion(chosen, fusion)
    make_folder(out)
    start = Start(weights, new_heads)
    check_start(chosen, start)
    with fill_bar(console) as bar:
        materials = gather(
            chosen,
            folders,
            cache=cache or out / "features",
            settings=settings,
            analyzer=analyzer or settings.analyzer,
            processes=processes or available_cores(),
            progress=bar,
        )
    for failure in materials.failures[:10]:
        console.print(f"no features: {failure.dataset}/{failure.sample_id}: {failure.message}")
    rounds = divisions(materials, _folds(folds, materials.mixed.folds), final=final)
    others = [name for name in get_args(FusionName) if ablation and name != chosen.config.fusion]
    rivals = {name: materials_with(materials, name) for name in others}
    with _progress(console) as progress:
        task = progress.add_task("", total=None)

        def tell(round_name: str, step: Any) -> None:
            progress.update(
                task,
                description=f"{round_name}, {step.phase} {step.epoch}/{step.epochs}, loss {step.loss:.3f}",
                completed=step.batch,
                total=step.batches,
            )

        outcome = run_training(
            materials,
            rounds,
            start,
            out,
            tell=tell,
            card=card_facts(materials, start, rounds),
            command=_command(
                recipe, folders, changes or [], start, {"--fusion": fusion, "--analyzer": analyzer}
            ),
            rivals=rivals,
        )
    if outcome.report is not None:
        rates = outcome.report.rates
        typer.echo(f"WAR {rates.war.value:.3f}  UAR {rates.uar.value:.3f}  report: {out / 'report.html'}")
    if outcome.card is not None:
        typer.echo(f"model: {outcome.card.folder}")


def _command(
    recipe: str,
    folders: Mapping[str, Path],
    changes: list[str],
    start: Start,
    options: Mapping[str, str | None],
) -> str:
    """Return what makes the same model elsewhere: no path of this machine is of use there."""
    words = ["avemotion", "train", recipe if recipe == Path(recipe).stem else Path(recipe).name]
    words += [word for name in folders for word in ("--data", f"{name}=FOLDER")]
    words += [word for change in changes for word in ("--set", shlex.quote(change))]
    words += [] if start.weights is None else ["--weights", start.weights.name]
    words += ["--new-heads"] if start.new_heads else []
    words += [word for name, value in options.items() if value is not None for word in (name, value)]
    return " ".join((*words, "--out", "OUT"))


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _pairs(given: list[str], option: str) -> dict[str, str]:
    """Return what ``KEY=VALUE`` options say."""
    found: dict[str, str] = {}
    for pair in given:
        key, equals, value = pair.partition("=")
        if not (key and equals and value) or key in found:
            raise AvemotionError(
                ErrorCode.INVALID_RECIPE, f"{option} {pair} should be NAME=VALUE, each name once."
            )
        found[key] = value
    return found


def _value(text: str) -> Any:
    """Return a value as TOML has it; what is none is a string."""
    try:
        parsed: Mapping[str, Any] = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"]


def _folds(said: str, count: int) -> list[int]:
    if said == "all":
        return list(range(1, count + 1))
    if said == "none":
        return []
    try:
        return sorted({int(part) for part in said.split(",")})
    except ValueError as error:
        raise AvemotionError(
            ErrorCode.INVALID_RECIPE, f"--folds {said} should be all, none, or numbers such as 1,2."
        ) from error

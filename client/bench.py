"""``avemotion bench``: what this machine makes of the model."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from client.render.text import display_path
from shared.errors import AvemotionError, ErrorCode
from worker.model.hardware import available_cores
from worker.model.presets import PRESETS

DEFAULT_PRESETS = ("base", "small", "tiny")
DEFAULT_BATCHES = (1, 4, 8)
LIBRARIES = ("tensorflow", "torch", "transformers")

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Measure this machine.")


@app.callback()
def _bench() -> None:
    """Measure this machine."""


@app.command()
def model(  # noqa: PLR0913 - a command's options
    *,
    preset: Annotated[
        list[str] | None,
        typer.Option(help="Size of the encoder; may be repeated. [default: base, small, tiny]"),
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option(min=1, help="Clips at a time; may be repeated. [default: 1, 4, 8]")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each.")] = 7,
    seconds_limit: Annotated[
        float, typer.Option(min=0, help="No round of a preset begins after so many seconds.")
    ] = 900,
    threads: Annotated[int | None, typer.Option(min=1, help="For each library. [default: all cores]")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write every sample to a file, too.")
    ] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Show where our time goes.")] = False,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Tiny, clips of 2 frames, one round: to see that it runs."),
    ] = False,
) -> None:
    """Measure the model beside transformers and beside this machine's matrix products.

    All have the same random weights and take turns. The last lines say which targets are met.
    """
    from bench.model.command import measure  # noqa: PLC0415 - not needed for --help
    from bench.model.comparison import Plan  # noqa: PLC0415 - the same
    from bench.model.contender import CALL_FLOPS, Setup  # noqa: PLC0415 - the same
    from bench.model.products import Clip  # noqa: PLC0415 - the same
    from bench.model.targets import MEMORY_BATCH  # noqa: PLC0415 - the same

    names = tuple(dict.fromkeys(preset or DEFAULT_PRESETS)) if not quick else ("tiny",)
    _check(names, json_file)
    plan = Plan(
        batches=tuple(sorted(set(batch or DEFAULT_BATCHES))),
        memory_batch=MEMORY_BATCH,
        rounds=1 if quick else rounds,
        visit_s=0 if quick else 0.5,
        seconds_limit=seconds_limit,
        with_profile=profile,
    )
    setups = [
        Setup(
            PRESETS[name],
            Clip(frames=2 if quick else 16),
            threads or available_cores(),
            call_flops=0 if quick else CALL_FLOPS,
        )
        for name in names
    ]
    measure(setups, plan, json_file)


def _check(presets: tuple[str, ...], json_file: Path | None) -> None:
    """Find now what would else be found after minutes.

    Raises:
        AvemotionError: A preset is not known, a library is missing, or the file cannot be written.
    """
    for name in presets:
        if name not in PRESETS:
            raise AvemotionError(
                ErrorCode.INVALID_REQUEST, f"There is no preset {name}; there are {', '.join(PRESETS)}."
            )
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise AvemotionError(
            ErrorCode.MODEL_UNAVAILABLE,
            f"{' and '.join(missing)} not installed, which this compares with: "
            "install the extras with pip install 'avemotion[model,dev]'.",
        )
    if json_file is not None:
        try:
            json_file.touch()
        except OSError as error:
            reason = error.strerror or "it cannot be written"
            raise AvemotionError(
                ErrorCode.INVALID_REQUEST, f"{display_path(json_file)}: {reason}."
            ) from error

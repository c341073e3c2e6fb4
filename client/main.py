"""``avemotion``: the table of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from client.lazy import Entry, LazyGroup


class Commands(LazyGroup):
    """Every command of ``avemotion``."""

    table = {  # noqa: RUF012 - a ClassVar in the base class
        "run": Entry("client.run.command:run", "Score clips here and now and print the results."),
        "serve": Entry("client.serve:serve", "Start the service and keep it running until Ctrl-C."),
        "faces": Entry("client.faces.command:faces", "See the face of a clip: action units, pose, gaze."),
        "score": Entry("client.score.command:score", "Score many clips into one file, a row a clip."),
        "evaluate": Entry(
            "client.evaluate.command:evaluate", "Compare results with what is true of the clips."
        ),
        "doctor": Entry("client.doctor:doctor", "Look at this machine: what it has, and what is wrong."),
        "weights": Entry("client.weights:app", "Import weights made elsewhere, and check weights files."),
        "dataset": Entry("client.dataset:app", "Look at a data set before training."),
        "train": Entry("client.train:train", "Train a model by a recipe, with a report."),
        "bench": Entry("client.bench:app", "Measure this machine."),
        "ops": Entry("client.ops:app", "Look after a service: its state, jobs, queues, workers, API keys."),
    }


app = typer.Typer(
    name="avemotion",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - not needed for the rest

        typer.echo(f"avemotion {version('avemotion')}")
        raise typer.Exit


@app.callback()
def main(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Turn clips of people into emotion categories, arousal and valence."""


if __name__ == "__main__":
    app()

"""``avemotion weights``: import weights made elsewhere, and check weights files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Import weights made elsewhere, and check weights files."
)

PresetName = Literal["tiny", "small", "base", "large", "huge"]
Precision = Literal["float32", "bfloat16"]


@app.command("import")
def import_(
    source: Annotated[
        Path,
        typer.Argument(
            help="A PyTorch file, safetensors (file or Hugging Face folder), or innat's TensorFlow SavedModel"
            " (zip or folder) or .h5. Which one it is shows in its contents."
        ),
    ],
    preset: Annotated[PresetName, typer.Option(help="Size that the source should have.")],
    out: Annotated[Path, typer.Option(help="File to write, NAME.weights.h5; NAME.card.json goes beside it.")],
    licence: Annotated[
        str | None,
        typer.Option(
            "--licence", "--license", metavar="SPDX", help="Licence of the weights, where you know it."
        ),
    ] = None,
) -> None:
    """Turn a VideoMAE checkpoint made elsewhere into a weights file with a card."""
    from client.weights.report import import_report  # noqa: PLC0415 - not needed for --help
    from shared.settings import get_settings  # noqa: PLC0415 - not needed for --help
    from worker.model.compiled import load_backend  # noqa: PLC0415 - brings TensorFlow
    from worker.model.presets import PRESETS  # noqa: PLC0415 - not needed for --help

    load_backend()
    from worker.model.sources import card_path, import_weights  # noqa: PLC0415 - brings TensorFlow

    card = import_weights(source, PRESETS[preset], out, licence=licence, scratch=get_settings().scratch_dir)
    typer.echo(import_report(card))
    typer.echo(f"Written: {out} and {card_path(out).name}.")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Weights file, as import writes it.")],
    clip: Annotated[
        Path,
        typer.Option(help=".npy of float32 (batch, frames, height, width, 3), RGB, already normalised."),
    ],
    out: Annotated[
        Path, typer.Option(help=".npz to write: tokens, pooled and, where there is a head, logits.")
    ],
    precision: Annotated[Precision, typer.Option(help="What the encoder computes in.")] = "float32",
) -> None:
    """Run a weights file on clips and write what comes out.

    KERAS_BACKEND names what computes: tensorflow (when unset), jax or torch.
    """
    from worker.model.compiled import load_backend  # noqa: PLC0415 - brings TensorFlow

    load_backend()
    from client.weights.checking import check_weights  # noqa: PLC0415 - brings TensorFlow
    from client.weights.report import check_report  # noqa: PLC0415 - not needed for --help

    typer.echo(check_report(check_weights(file, clip, out, precision)))

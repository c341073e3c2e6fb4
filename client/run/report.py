"""What ``avemotion run`` leaves behind: results or JSON on stdout, errors on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from client.problems import problem_document
from client.render import facts
from client.render.result import Result
from client.render.text import printable
from client.run.scoring import Outcome
from shared.schemas.jobs import JobDocument


def write_results(outcomes: Sequence[tuple[str, Outcome]], console: Console) -> None:
    """Print every result as people read it."""
    for name, outcome in outcomes:
        if outcome.succeeded:
            console.print(Result(name, JobDocument.model_validate(outcome.document)))


def write_json(outcomes: Sequence[tuple[str, Outcome]], *, alone: bool) -> None:
    """Write a document for each clip to stdout: indented if there is but one clip, else one a line.

    A clip without a job has the problem document of its error in its place.
    """
    indent = 2 if alone else None
    for _, outcome in outcomes:
        document = outcome.document
        if document is None and outcome.error is not None:
            document = problem_document(outcome.error)
        # Escaped to ASCII: nothing in it can steer a terminal or break on its encoding.
        sys.stdout.write(json.dumps(document, indent=indent) + "\n")
    sys.stdout.flush()


def write_errors(outcomes: Sequence[tuple[str, Outcome]], console: Console) -> None:
    """Print why clips have no result: name, code and sentence, and how far the job came."""
    told: set[str] = set()
    for name, outcome in outcomes:
        if outcome.error is not None:
            # What stopped the service stopped every clip; the end of its log is wanted once.
            message = outcome.error.message
            _say(
                console,
                f"{name}: {outcome.error.code.code}",
                message.partition("\n")[0] if message in told else message,
            )
            told.add(message)
        elif outcome.document is not None and not outcome.succeeded:
            document = JobDocument.model_validate(outcome.document)
            if document.error is not None:
                _say(console, f"{name}: {document.error.code}", document.error.message)
            else:
                _say(console, name, "The job was cancelled.")
            console.print(Text(f"  {printable(facts.failure(document))}", style="dim"), soft_wrap=True)


def _say(console: Console, head: str, message: str) -> None:
    # The end of a log may be part of a message, hence its line feeds.
    text = Text(f"{printable(head)}: ", style="bold red")
    text.append(printable(message, keep="\n"), style="not bold default")
    console.print(text, soft_wrap=True)

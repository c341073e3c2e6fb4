"""A run from its first word to its last: the service around it, the bar, the file of results."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from rich.console import Console

from client.batches import BatchClient
from client.render.text import display_path, printable
from client.run.analyzers import await_analyzer
from client.run.interrupts import run_interruptibly
from client.score.items import Selection
from client.score.merging import Answers, merged
from client.score.progress import make_progress
from client.score.session import Faults, Run, score
from client.score.state import state_path
from client.score.tally import Tally
from client.score.writers import types_of, write_rows
from client.stack.addresses import LOOPBACK
from client.stack.stack import EmbeddedStack
from shared.outputs import replacing
from shared.rows import columns_of, type_of
from shared.settings import get_settings


def complete(
    selection: Selection, options: Mapping[str, Any], out: Path, server: str | None, console: Console
) -> bool:
    """Score the clips and write the results; return False if Ctrl-C came in between.

    Args:
        selection: The clips.
        options: Of every job, as in the body of ``POST /predict``.
        out: Where the results go.
        server: Address of the API; None for the embedded stack.
        console: For all that is not a result.

    Raises:
        AvemotionError: It cannot be done; what was done is kept.
    """
    where = server.rstrip("/") if server else f"embedded in {get_settings().data_dir.absolute()}"
    run = Run(selection, options, out.name, where, state_path(out))
    # Another run's state is told before a service is started for nothing.
    run.begun()
    for line in _first_words(selection):
        _say(console, line)
    progress = make_progress(console, len(selection.items))
    tally = Tally(len(selection.items), tell=progress.update)
    stopping = console.status("stopping the service", spinner="line")
    # The service is stopped after the last word: nobody wants to wait for that.
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(stopping.stop)
        spool = cleanup.enter_context(tempfile.TemporaryFile())
        finished = True
        try:
            progress.start()
            stack = None if server else cleanup.enter_context(EmbeddedStack(_settings()))
            answers, faults = _converse(run, server or "", stack, spool, tally)
            progress.stop()
            _write(out, selection, answers, faults)
            run.state.unlink(missing_ok=True)
            _say(console, _last_words(tally, out, labelled="true_emotion" in selection.columns))
        except KeyboardInterrupt:
            finished = False
            progress.stop()
            _say(
                console,
                f"Interrupted: {tally.ended:,} of {tally.total:,} clips ended. The same command goes on.",
            )
        finally:
            progress.stop()
        if server is None and console.is_interactive:
            stopping.start()
    return finished


def _converse(
    run: Run, url: str, stack: EmbeddedStack | None, spool: IO[bytes], tally: Tally
) -> tuple[Answers, Faults]:
    found: list[tuple[Answers, Faults]] = []

    async def talk() -> None:
        check = None if stack is None else stack.check
        async with BatchClient(url if stack is None else stack.api_url, check=check) as client:
            if stack is not None:
                await await_analyzer(client, run.options.get("analyzer"), stack.settings)
            found.append(await score(client, run, spool, tally))

    run_interruptibly(talk())
    return found[0]


def _write(out: Path, selection: Selection, answers: Answers, faults: Faults) -> None:
    types = {name: type_of(name) for name in columns_of(answers.labels)}
    types |= types_of(selection.columns, [item.beside for item in selection.items])
    with replacing(out) as temporary:
        write_rows(temporary, out.suffix, types, merged(selection.items, answers, faults))


def _settings() -> Any:
    """Return the settings, with a stack that nobody else needs to find kept to this machine."""
    settings = get_settings()
    # 8000 is for those who look for the service; another program may well have it.
    port = settings.port if "port" in settings.model_fields_set else 0
    return settings.model_copy(update={"host": LOOPBACK, "port": port})


def _first_words(selection: Selection) -> Iterator[str]:
    if selection.passed_over:
        files = "file that is" if selection.passed_over == 1 else "files that are"
        yield f"Passed over: {selection.passed_over:,} {files} no media."
    yield from selection.notes


def _last_words(tally: Tally, out: Path, *, labelled: bool) -> str:
    failures = f", {tally.failures}" if tally.failures else ""
    words = f"{tally.total:,} clips: {tally.succeeded:,} scored{failures}. Written: {display_path(out)}."
    if labelled:
        words += f" `avemotion evaluate {display_path(out)}` compares them with what is true."
    return words


def _say(console: Console, line: str) -> None:
    console.print(printable(line), markup=False, highlight=False, emoji=False, soft_wrap=True)

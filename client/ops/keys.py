"""``avemotion ops keys``: who may call a service."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from client.ops.database import in_database
from client.ops.limits import MaxBytes, MaxJobs, PerMinute, chosen, limits_of
from client.ops.rotate import secret_before
from client.render.text import printable
from shared.errors import AvemotionError, ErrorCode
from shared.keys import create_key, limit_key, list_keys, revoke_key

app = typer.Typer(no_args_is_help=True, help="API keys: each sees only what it made.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Your name for the key, such as who gets it.")],
    *,
    max_jobs: MaxJobs = None,
    max_bytes: MaxBytes = None,
    requests_per_minute: PerMinute = None,
) -> None:
    """Make a key and print it, once: only its hash is kept.

    Without limits of its own it has those of the settings; `none` is for no limit.
    """
    limits = chosen(max_jobs, max_bytes, requests_per_minute)
    key_id, secret = in_database(lambda session: create_key(session, name, limits))
    typer.echo(f"Key {key_id} for {printable(name)}. Keep it now: it cannot be shown again.", err=True)
    typer.echo(secret)


@app.command("list")
def list_all() -> None:
    """List all keys, oldest first: id, day it was made, state, name; below it, what is its own."""
    rows = in_database(list_keys)
    for key in rows:
        state = "valid" if key.revoked_at is None else "revoked"
        typer.echo(f"{key.id}  {key.created_at:%Y-%m-%d}  {state:<7}  {printable(key.name)}")
        for more in filter(None, (limits_of(key), secret_before(key))):
            typer.echo(f"    {more}")
    if not rows:
        typer.echo("There are no keys.", err=True)


@app.command()
def limit(
    key_id: Annotated[uuid.UUID, typer.Argument(metavar="ID", help="As `list` shows it.")],
    *,
    max_jobs: MaxJobs = None,
    max_bytes: MaxBytes = None,
    requests_per_minute: PerMinute = None,
) -> None:
    """Set what a key may use; `none` for no limit, `default` for what the settings say.

    What it has already stays. The API goes by the new limits within five seconds.
    """
    limits = chosen(max_jobs, max_bytes, requests_per_minute)
    if not limits:
        raise typer.BadParameter("say which: --max-jobs, --max-bytes or --requests-per-minute")
    key = in_database(lambda session: limit_key(session, key_id, limits))
    if key is None:
        raise AvemotionError(ErrorCode.NOT_FOUND, f"There is no valid key {key_id}.")
    typer.echo(f"Key {key_id}: {limits_of(key) or 'as the settings say'}.", err=True)


@app.command()
def revoke(key_id: Annotated[uuid.UUID, typer.Argument(metavar="ID", help="As `list` shows it.")]) -> None:
    """Take a key back; what it made stays."""
    if not in_database(lambda session: revoke_key(session, key_id)):
        raise AvemotionError(ErrorCode.NOT_FOUND, f"There is no valid key {key_id}.")
    typer.echo(f"Key {key_id} is revoked.", err=True)

"""``avemotion ops keys``: who may call a service."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from client.ops.database import in_database
from client.render.text import printable
from shared.errors import AvemotionError, ErrorCode
from shared.keys import create_key, list_keys, revoke_key

app = typer.Typer(no_args_is_help=True, help="API keys: each sees only what it made.")


@app.command()
def create(name: Annotated[str, typer.Argument(help="Your name for the key, such as who gets it.")]) -> None:
    """Make a key and print it, once: only its hash is kept."""
    key_id, secret = in_database(lambda session: create_key(session, name))
    typer.echo(f"Key {key_id} for {printable(name)}. Keep it now: it cannot be shown again.", err=True)
    typer.echo(secret)


@app.command("list")
def list_all() -> None:
    """List all keys, oldest first: id, day it was made, state, name."""
    rows = in_database(list_keys)
    for key in rows:
        state = "valid" if key.revoked_at is None else "revoked"
        typer.echo(f"{key.id}  {key.created_at:%Y-%m-%d}  {state:<7}  {printable(key.name)}")
    if not rows:
        typer.echo("There are no keys.", err=True)


@app.command()
def revoke(key_id: Annotated[uuid.UUID, typer.Argument(metavar="ID", help="As `list` shows it.")]) -> None:
    """Take a key back; what it made stays."""
    if not in_database(lambda session: revoke_key(session, key_id)):
        raise AvemotionError(ErrorCode.NOT_FOUND, f"There is no valid key {key_id}.")
    typer.echo(f"Key {key_id} is revoked.", err=True)

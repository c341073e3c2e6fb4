"""``avemotion ops``: what an operator does to a service, straight in its database."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from client.render.text import printable
from client.stack.folder import DataFolder
from shared.database import connect, transact
from shared.errors import AvemotionError, ErrorCode
from shared.keys import create_key, list_keys, revoke_key
from shared.settings import Settings, get_settings

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Look after a service.")
keys = typer.Typer(no_args_is_help=True, help="API keys: each sees only what it made.")
app.add_typer(keys, name="keys")


@keys.command()
def create(name: Annotated[str, typer.Argument(help="Your name for the key, such as who gets it.")]) -> None:
    """Make a key and print it, once: only its hash is kept."""
    key_id, secret = _in_database(lambda session: create_key(session, name))
    typer.echo(f"Key {key_id} for {printable(name)}. Keep it now: it cannot be shown again.", err=True)
    typer.echo(secret)


@keys.command("list")
def list_all() -> None:
    """List all keys, oldest first: id, day it was made, state, name."""
    rows = _in_database(list_keys)
    for key in rows:
        state = "valid" if key.revoked_at is None else "revoked"
        typer.echo(f"{key.id}  {key.created_at:%Y-%m-%d}  {state:<7}  {printable(key.name)}")
    if not rows:
        typer.echo("There are no keys.", err=True)


@keys.command()
def revoke(key_id: Annotated[uuid.UUID, typer.Argument(metavar="ID", help="As `list` shows it.")]) -> None:
    """Take a key back; what it made stays."""
    if not _in_database(lambda session: revoke_key(session, key_id)):
        raise AvemotionError(ErrorCode.NOT_FOUND, f"There is no valid key {key_id}.")
    typer.echo(f"Key {key_id} is revoked.", err=True)


def _in_database(work: Callable[[Session], T]) -> T:
    """Run ``work`` in a transaction on the service's database.

    Raises:
        AvemotionError: There is no database, or it does not answer as one of ours.
    """
    settings = get_settings()
    try:
        engine = connect(settings.model_copy(update={"database_url": _database_url(settings)}))
        try:
            return transact(engine, work)
        finally:
            engine.dispose()
    except ArgumentError as error:
        message = "AVEMOTION_DATABASE_URL is no address of a database."
        raise AvemotionError(ErrorCode.INVALID_REQUEST, message) from error
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        message = f"The database does not answer as one of avemotion: {reason}."
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message) from error


def _database_url(settings: Settings) -> str:
    """Return the address that is set, or that of the stack that runs on the data folder."""
    if settings.database_url is not None:
        return settings.database_url
    note = DataFolder(settings.data_dir).read_note()
    if note is None:
        message = (
            f"No database: no stack runs on {settings.data_dir}. Start one with `avemotion serve`, or set"
            " AVEMOTION_DATABASE_URL."
        )
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message)
    return note.database_url

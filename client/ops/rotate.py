"""``avemotion ops keys rotate``: another secret for the same key."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated

import typer

from client.ops.database import in_database
from client.ops.words import DAY_S, moment, read_age
from shared.errors import AvemotionError, ErrorCode
from shared.keys import rotate_key
from shared.tables import ApiKey

# A secret that nobody ever stops using is not rotated.
LONGEST_S = 90 * DAY_S


def read_overlap(text: str) -> float:
    """Return the seconds of an overlap."""
    seconds = read_age(text)
    if seconds > LONGEST_S:
        raise typer.BadParameter("the secret before may work for 90d at most")
    return seconds


Overlap = Annotated[
    float | None,
    typer.Option(
        parser=read_overlap,
        metavar="AGE",
        help="How long the secret before works beside the new one: 30m, 12h, 7d. Not for one that leaked.",
    ),
]


def rotate(
    key_id: Annotated[uuid.UUID, typer.Argument(metavar="ID", help="As `list` shows it.")],
    *,
    overlap: Overlap = None,
) -> None:
    """Give a key another secret and print it, once; the one before ends within seconds, or after `--overlap`.

    Whoever has the new one sees all that was made with the old one: it is the same key.

    A key has two secrets at most: where it has two already, the older one ends now.
    """
    rotated = in_database(lambda session: rotate_key(session, key_id, overlap or 0))
    if rotated is None:
        raise AvemotionError(ErrorCode.NOT_FOUND, f"There is no valid key {key_id}.")
    secret, until = rotated
    typer.echo(f"Key {key_id} has another secret. Keep it now: it cannot be shown again.", err=True)
    if until is not None:
        typer.echo(f"The one before works until {moment(until)}.", err=True)
    typer.echo(secret)


def secret_before(key: ApiKey) -> str:
    """Say until when a key's secret before works; nothing if it does not."""
    until = key.previous_until
    if key.revoked_at is not None or until is None or until <= datetime.now(UTC):
        return ""
    return f"the secret before works until {moment(until)}"

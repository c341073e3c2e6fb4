"""``avemotion ops webhooks``: what became of webhooks, and what they are signed with."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer
from pydantic import SecretStr

from client.ops.database import in_database
from client.render.text import printable
from client.stack.folder import DataFolder
from shared.errors import AvemotionError, ErrorCode
from shared.keys import find_key
from shared.settings import Settings, get_settings
from shared.tables import Webhook, WebhookState
from shared.webhooks.care import list_webhooks, resend_webhooks
from shared.webhooks.secrets import make_secret, secrets_for, write_secret

app = typer.Typer(help="Webhooks: list them, send them again, show their secret.")


@app.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that were given up.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
) -> None:
    """List webhooks, newest first: id, event, of what, state, tries, last outcome, receiver."""
    if context.invoked_subcommand is not None:
        return
    state = WebhookState.FAILED if failed else None
    rows = in_database(lambda session: list_webhooks(session, state, limit))
    for row in rows:
        typer.echo(_line(row))
    if not rows:
        typer.echo("There are no such webhooks." if failed else "There are no webhooks.", err=True)


@app.command()
def resend(
    webhook_id: Annotated[
        uuid.UUID | None, typer.Argument(metavar="ID", help="As the list shows it.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that were given up.")] = False,
) -> None:
    """Send a webhook again, or all that were given up, under the id that it had."""
    if (webhook_id is None) != everything:
        raise typer.BadParameter("give the ID of a webhook, or --all")
    again = in_database(lambda session: resend_webhooks(session, webhook_id))
    if webhook_id is not None and not again:
        raise AvemotionError(
            ErrorCode.NOT_FOUND, f"There is no webhook {webhook_id}, or it is on its way already."
        )
    typer.echo(f"{again} to be sent again.", err=True)


@app.command()
def secret(
    *,
    key: Annotated[
        uuid.UUID | None, typer.Option(metavar="ID", help="API key whose webhooks are to be verified.")
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Make one for AVEMOTION_WEBHOOK_SECRET.")] = False,
) -> None:
    """Print what receivers verify signatures with, the newest first; with API keys each has its own."""
    if new:
        typer.echo(make_secret())
        return
    if key is not None and in_database(lambda session: find_key(session, key)) is None:
        raise AvemotionError(ErrorCode.NOT_FOUND, f"There is no key {key}.")
    for each in secrets_for(_secret_of(get_settings()).get_secret_value(), key):
        typer.echo(write_secret(each))


def _secret_of(settings: Settings) -> SecretStr:
    """Return the secret that is set, or that of the stack on the data folder.

    Raises:
        AvemotionError: There is neither.
    """
    found = settings.webhook_secret or DataFolder(settings.data_dir).read_webhook_secret()
    if found is None:
        message = (
            "AVEMOTION_WEBHOOK_SECRET is not set, and no stack has run on the data folder. "
            "`avemotion ops webhooks secret --new` makes one."
        )
        raise AvemotionError(ErrorCode.WEBHOOKS_OFF, message)
    return found


def _line(row: Webhook) -> str:
    subject = f"job {row.job_id}" if row.job_id else f"batch {row.batch_id}"
    last = row.last_outcome.value if row.last_outcome else "-"
    if row.last_status is not None:
        last += f" ({row.last_status})"
    return "  ".join(
        (
            str(row.id),
            f"{row.event:<14}",
            subject,
            f"{row.state.value:<9}",
            f"{row.attempts:>2}",
            f"{last:<16}",
            printable(row.receiver),
        )
    )

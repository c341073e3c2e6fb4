"""``avemotion ops``: what an operator does to a service, straight in its database."""

from __future__ import annotations

import typer

from client.ops import keys, webhooks

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Look after a service.")
app.add_typer(keys.app, name="keys")
app.add_typer(webhooks.app, name="webhooks")

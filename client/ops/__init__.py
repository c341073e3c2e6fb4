"""``avemotion ops``: what an operator does to a service, straight in its database and broker."""

from __future__ import annotations

import typer

from client.ops import key_facts, keys, webhooks
from client.ops.cancel import cancel
from client.ops.doctor import doctor
from client.ops.drain import drain
from client.ops.erase import erase
from client.ops.jobs import jobs
from client.ops.media import media
from client.ops.purge import purge
from client.ops.queues import queues
from client.ops.requeue import requeue
from client.ops.rotate import rotate
from client.ops.status import status
from client.ops.stuck import unstick
from client.ops.workers import workers

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Look after a service.")
for command in (
    *(status, workers, queues, jobs, media),
    *(requeue, cancel, erase, drain, unstick, purge, doctor),
):
    app.command()(command)
keys.app.command()(key_facts.show)
keys.app.command()(rotate)
app.add_typer(keys.app, name="keys")
app.add_typer(webhooks.app, name="webhooks")

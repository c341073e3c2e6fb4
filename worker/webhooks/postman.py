"""The postman: threads of the janitor that deliver webhooks beside its other duties."""

from __future__ import annotations

import threading
import time
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared.database import connect, transact
from shared.settings import Settings
from shared.tables import WebhookOutcome
from shared.webhooks.secrets import secrets_for
from worker.webhooks.batches import announce_batches
from worker.webhooks.events import make_event
from worker.webhooks.queue import Claim, claim, find_due, settle
from worker.webhooks.sending import Try, send
from worker.webhooks.tracing import traced_delivery
from worker.webhooks.turns import Turns

log = structlog.stdlib.get_logger(__name__)

# Of its own: the janitor's other duties never wait for a connection that a webhook has.
CONNECTIONS = 3
# What is on its way when the janitor is told to stop gets so long to arrive.
FAREWELL_S = 3.0
SETTLE_PATIENCE_S = 5.0


class Postman:
    """Delivers webhooks while it runs; one thread looks for them, and each try has another.

    Threads end with the process: a webhook whose try is cut off is due again when its lease runs out.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare; ``start`` does the rest."""
        self._settings = settings
        self._secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else ""
        self._engine = connect(settings, pool_size=CONNECTIONS)
        self._turns = Turns(settings.webhook_concurrency, settings.webhook_receiver_concurrency)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)

    def start(self) -> None:
        """Begin to deliver; without a secret to sign with there is nothing to do."""
        if self._secret:
            self._thread.start()
        else:
            log.info("no webhooks: AVEMOTION_WEBHOOK_SECRET is not set")

    def stop(self) -> None:
        """Begin no more, and wait a while for what is on its way."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(FAREWELL_S)
            self._turns.drain(FAREWELL_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._round()
            except SQLAlchemyError as error:
                # A server that is away comes back.
                log.warning("webhooks put off", error=type(error).__name__)
                self._stop.wait(self._settings.janitor_interval_s)
            except Exception:
                # Nobody else would deliver webhooks while this process lives.
                log.exception("webhooks put off")
                self._stop.wait(self._settings.janitor_interval_s)

    def _round(self) -> None:
        settings = self._settings
        transact(self._engine, announce_batches)
        per_receiver = settings.webhook_receiver_concurrency
        due = transact(self._engine, lambda session: find_due(session, per_receiver))
        chosen = [each.webhook_id for each in self._turns.choose(due)]
        # Before the claim: what it leases lasts longer than the try, however long the answer takes.
        deadline = time.monotonic() + settings.webhook_timeout_s
        if chosen:
            for claimed in transact(self._engine, partial(claim, webhook_ids=chosen, settings=settings)):
                self._begin(claimed, deadline)
        self._turns.wait(settings.janitor_interval_s)

    def _begin(self, claimed: Claim, deadline: float) -> None:
        thread = threading.Thread(target=self._deliver, args=(claimed, deadline), name="webhook", daemon=True)
        self._turns.begin(claimed.receiver)
        try:
            thread.start()
        except RuntimeError:
            self._turns.end(claimed.receiver, failed=False)
            raise

    def _deliver(self, claimed: Claim, deadline: float) -> None:
        failed = False
        owner = "batch_id" if claimed.job_id is None else "job_id"
        # The thread ends with the try, and its log lines are about nothing else.
        structlog.contextvars.bind_contextvars(**{owner: str(claimed.job_id or claimed.batch_id)})
        try:
            with traced_delivery(self._engine, claimed) as note:
                tried = self._try(claimed, deadline)
                if tried is None:
                    return
                note(tried)
            failed = tried.outcome is not WebhookOutcome.DELIVERED
            if failed:
                log.info(
                    "webhook not delivered", webhook_id=str(claimed.webhook_id), outcome=tried.outcome.value
                )
            transact(
                self._engine,
                partial(settle, claimed=claimed, tried=tried, settings=self._settings),
                patience_s=SETTLE_PATIENCE_S,
            )
        except SQLAlchemyError as error:
            # Its lease runs out, and it is sent again: better twice than never.
            log.warning("webhook put off", webhook_id=str(claimed.webhook_id), error=type(error).__name__)
        finally:
            self._turns.end(claimed.receiver, failed=failed)

    def _try(self, claimed: Claim, deadline: float) -> Try | None:
        """Send a webhook; ``None`` if nobody may be told any more."""
        settings = self._settings
        if claimed.tries > settings.webhook_tries:
            # Each try before ended with its janitor.
            return Try(WebhookOutcome.INTERNAL_ERROR)
        try:
            event = transact(self._engine, partial(make_event, claimed=claimed))
            if event is None:
                return None
            return send(
                event,
                secrets_for(self._secret, event.owner_id),
                claimed.now,
                deadline,
                allow_private=settings.webhook_allow_private,
            )
        except SQLAlchemyError:
            raise
        except Exception:
            log.exception("webhook failed", webhook_id=str(claimed.webhook_id))
            return Try(WebhookOutcome.INTERNAL_ERROR)

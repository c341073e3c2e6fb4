"""A run as a conversation with the API: begin or go on, send, follow, fetch."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from client.batches import BatchClient
from client.problems import ProblemError
from client.render.text import display_path
from client.score.items import Selection, invalid
from client.score.merging import Answers
from client.score.sending import Outbox
from client.score.state import Fault, State, check_same, fingerprint, read_state, write_state
from client.score.tally import Tally
from shared.errors import AvemotionError, ErrorCode

LONGEST_NAME = 200

Faults = dict[str, AvemotionError]
"""By clip: why it was not sent."""


@dataclass(frozen=True)
class Run:
    """What was asked for.

    Attributes:
        selection: The clips.
        options: Of every job, as in the body of ``POST /predict``.
        name: Of the batch.
        server: As the state names it.
        state: Where the state is kept.
    """

    selection: Selection
    options: Mapping[str, Any]
    name: str
    server: str
    state: Path

    def begun(self) -> State | None:
        """Return the state that this run goes on from; None if it begins.

        Raises:
            AvemotionError: There is the state of another run.
        """
        found = read_state(self.state)
        if found is not None:
            check_same(found, self.state, server=self.server, options=self.options, clips=self._fingerprint())
        return found

    async def begin(self, client: BatchClient) -> State:
        """Make a batch, and keep the state before anything is sent."""
        batch = await client.create_batch(self.name[:LONGEST_NAME])
        state = State(
            server=self.server,
            batch_id=str(batch["batch_id"]),
            options=dict(self.options),
            clips=len(self.selection.items),
            fingerprint=self._fingerprint(),
        )
        write_state(self.state, state)
        return state

    def note_faults(self, state: State, faults: Faults) -> None:
        """Keep why clips were not sent: once the batch is closed they cannot be sent any more."""
        told = {name: Fault(error.code.code, error.message) for name, error in faults.items()}
        write_state(self.state, state.model_copy(update={"faults": told}))

    def _fingerprint(self) -> str:
        return fingerprint(self.selection.items)


async def score(client: BatchClient, run: Run, spool: IO[bytes], tally: Tally) -> tuple[Answers, Faults]:
    """Score what has not been scored yet, and return all rows of the batch, and why clips were not sent.

    Args:
        client: The API.
        run: What was asked for.
        spool: A file of ours, for the rows.
        tally: Filled in as things go.

    Raises:
        AvemotionError: The API refuses the run, or stayed away; the state is kept.
    """
    begun = run.begun()
    state = begun or await run.begin(client)
    batch = await _find(client, state, run)
    closed = batch["closed_at"] is not None
    # A batch that is still open is sent again what could not be sent: it may be there now.
    faults = {name: fault.error for name, fault in (state.faults or {}).items()} if closed else {}
    if begun is not None:
        await client.save_results(state.batch_id, spool, everything=True)
    sent = Answers(spool)
    tally.note_sent(len(sent))
    for error in faults.values():
        tally.note_fault(error.code.code)
    tally.update(batch)

    def note_fault(reference: str, error: AvemotionError) -> None:
        faults[reference] = error
        tally.note_fault(error.code.code)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_follow(client, state.batch_id, tally))
            if not closed:
                left = [item for item in run.selection.items if item.reference not in sent]
                await Outbox(client, state.batch_id, run.options, tally.note_sent, note_fault).send(left)
                run.note_faults(state, faults)
                await client.close_batch(state.batch_id)
    except BaseExceptionGroup as error_group:
        fault = _first(error_group)
        if isinstance(fault, ProblemError) and begun is None and not tally.sent:
            # Refused before it began, by an option say: there is nothing to go on with.
            run.state.unlink(missing_ok=True)
        raise fault from None
    await client.save_results(state.batch_id, spool)
    return Answers(spool), faults


async def _find(client: BatchClient, state: State, run: Run) -> Mapping[str, Any]:
    try:
        return await client.batch(state.batch_id)
    except AvemotionError as error:
        if error.code is not ErrorCode.NOT_FOUND:
            raise
        message = (
            "The server no longer has this run's batch, or it is another key's. Delete"
            f" {display_path(run.state)} to begin anew."
        )
        raise invalid(message) from error


async def _follow(client: BatchClient, batch_id: str, tally: Tally) -> None:
    async for batch in client.follow_batch(batch_id):
        tally.update(batch)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return what ended the group: an error for the user, else whatever came first."""
    found: BaseException = group.subgroup(AvemotionError) or group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found

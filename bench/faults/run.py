"""One run: a service, clients, faults; then the proof."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.faults.clients import Clients, Crowd
from bench.faults.clips import Clips, length_of
from bench.faults.killing import Killer
from bench.faults.ledger import add_rows, open_ledger
from bench.faults.leftovers import left_in_folder, left_in_memory, left_running
from bench.faults.plan import Plan
from bench.faults.proof import Answer, ask_all
from bench.faults.report import print_answers, print_faults, print_list, unasked
from bench.faults.service import Service
from bench.faults.settling import age_uploads, list_files, settle
from tests.receiver import Receiver, running_receiver

# Longer than a webhook whose janitor was killed waits, and than the janitor waits before it tidies up.
SETTLE_S = 180.0


def run(plan: Plan, folder: Path | None = None, **settings: object) -> int:
    """Run, print, and return the exit status: 1 if anything is off.

    Args:
        plan: What to run.
        folder: Keeps data and logs; a temporary one when None.
        settings: Of the service, besides those that the run needs.
    """
    print(
        f"{plan.jobs} jobs of {plan.clients} clients on {len(os.sched_getaffinity(0))} cores, "
        f"a fault every {plan.every_s:g} s, seed {plan.seed}",
        flush=True,
    )
    with _place(folder) as place, running_receiver() as receiver:
        service = Service(place, **settings)
        with service:
            clients, killer, answers, wall_s = _live(plan, Clips(place), service, receiver)
            losses = service.settings.max_losses
        off = _report(plan, clients, killer, answers, service, wall_s)
    print(f"AVEMOTION_MAX_LOSSES was {losses}; jobs that ended in worker_lost are ends, and counted above.")
    print("\nAll is as it should be." if not off else f"\n{off} things are OFF.")
    return int(off > 0)


def _live(
    plan: Plan, clips: Clips, service: Service, receiver: Receiver
) -> tuple[Clients, Killer, list[Answer], float]:
    crowd = Crowd(service.stack.api_url, clips, receiver.url("/chaos"), f"chaos-{plan.seed}", plan.limit_s)
    wanted = [
        {"key": crowd.key(number), "segments": length.segments, "windows": length.windows}
        for number in range(plan.jobs)
        for length in [length_of(number)]
    ]
    open_ledger(service.engine, wanted, limit_s=plan.limit_s, max_losses=service.settings.max_losses)
    service.engine.dispose()
    clients = Clients(crowd)
    started = time.monotonic()
    with Killer(service, plan, lambda line: print(line, flush=True)) as killer:
        clients.run(plan.jobs, plan.clients)
        wall_s = time.monotonic() - started
    settle(service, SETTLE_S)
    aged = age_uploads(service, SETTLE_S)
    print(f"\nuploads that a killed API left half-way, and the janitor removed: {aged}")
    add_rows(service.engine, "told", clients.told)
    add_rows(service.engine, "taken", _taken(receiver))
    print(f"files in storage: {list_files(service)}")
    return clients, killer, ask_all(service.engine), wall_s


def _report(  # noqa: PLR0913, PLR0917 - all that a run leaves
    plan: Plan, clients: Clients, killer: Killer, answers: list[Answer], service: Service, wall_s: float
) -> int:
    print_faults(killer.faults)
    print(f"  answers that made clients ask again: {dict(sorted(clients.answers.items())) or 'none'}")
    off = print_answers(answers)
    print("\nBeside the database")
    off += print_list(
        "faults whose victims did not come back",
        [str(fault) for fault in killer.faults if fault.back_after_s is None],
    )
    off += print_list("processes that ended and nobody killed", unasked(killer.faults, service.deaths))
    off += print_list("jobs whose clients saw no end in time", [str(number) for number in clients.late])
    off += print_list("answers that no fault explains", clients.wrong)
    off += print_list("processes left", left_running(service.mark))
    off += print_list("temporary files left", left_in_folder(service.scratch))
    off += print_list("shared memory of killed processes left", left_in_memory(killer.shared_memory))
    rate = len(clients.told) / wall_s
    print(f"\n{len(clients.told)} of {plan.jobs} jobs ended in {wall_s:.1f} s: {rate:.2f} a second")
    return off


def _taken(receiver: Receiver) -> list[dict[str, str]]:
    rows = []
    for delivery in receiver.taken():
        event = json.loads(delivery.body)
        rows.append({"webhook_id": delivery.id, "job_id": event["data"]["job_id"], "event": event["type"]})
    return rows


@contextlib.contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        folder.mkdir(parents=True)
        yield folder.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="avemotion-chaos-") as name:
        yield Path(name)

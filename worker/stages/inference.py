"""``inference``: claim ready windows, run them as one model batch, write their predictions."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast
from uuid import UUID

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import Table, bindparam, update
from sqlalchemy.orm import Session

from shared.database import transact
from shared.documents import DIGITS
from shared.errors import AvemotionError, ErrorCode
from shared.lifecycle import end_job, lock_job, lock_jobs
from shared.settings import Settings, get_settings
from shared.tables import Job, JobStatus, Prediction, StageName, WorkStatus
from worker.arrays import read_rows
from worker.batch_logs import about_batch
from worker.conclusion import close_segments
from worker.lease import add_seconds
from worker.metrics.model import observed_batch
from worker.metrics.stages import observed
from worker.model.engine import Engine, Predictions
from worker.pulse import LeaseLostError, Pulse
from worker.runner import PASSING
from worker.stages.model_card import card_of
from worker.time_limit import TimeLimitError, time_limit
from worker.toolkit import Toolkit
from worker.tracing import traced_batch
from worker.window_lease import (
    BatchClaim,
    WindowClaim,
    claim_windows,
    give_back_windows,
    renew_windows,
    standing,
)

log = structlog.stdlib.get_logger(__name__)

# Share of the time limit after which a wake-up that still finds work hands it to another wake-up.
LONGEST_SHARE = 0.5
# Far less than anybody who waits for a batch of jobs can notice.
GATHER_S = 0.05
# One a fusion, and one more: loading a model takes seconds, and each takes memory.
MOST_ENGINES = 4


# Models of this process by id, the one loaded last at the end.
_engines: dict[str, Engine] = {}


def engine_of(model: str) -> Engine:
    """Return a model of this process, loaded when first asked for, and again when its card has changed.

    Raises:
        AvemotionError: The model is not installed here.
    """
    settings = get_settings()
    card = card_of(model, settings)
    engine = _engines.get(model)
    if engine is None or engine.card != card:
        _engines.pop(model, None)
        while len(_engines) >= MOST_ENGINES:
            del _engines[next(iter(_engines))]
        engine = _engines[model] = Engine.load(
            card,
            precision=settings.model_precision,
            threads=settings.model_threads,
            largest_batch=settings.inference_windows,
            xla=settings.model_xla,
        )
    return engine


def drain(kit: Toolkit, pause_s: float = 0) -> bool:
    """Score ready windows batch by batch until none is left; tell whether time ran out before that.

    ``pause_s`` pass before each batch but those after a full one, in which windows come together: a batch
    costs nearly the same for one window and for eight.
    """
    until = time.monotonic() + kit.settings.stage_time_limit_s * LONGEST_SHARE
    full = False
    while time.monotonic() < until:
        if not full:
            time.sleep(pause_s)
        batch = transact(
            kit.engine,
            lambda session: claim_windows(session, kit.settings.inference_windows, kit.settings.lease_s),
        )
        if batch is None:
            return False
        with about_batch(batch.windows), traced_batch(batch, kit):
            score(batch, kit)
        full = len(batch.windows) == kit.settings.inference_windows
    return True


def score(batch: BatchClaim, kit: Toolkit) -> None:
    """Run one claimed batch and write what the model says, or fail in the right way."""
    lease_s = kit.settings.lease_s

    def write(work: Callable[[Session], None]) -> None:
        transact(kit.engine, work, patience_s=lease_s * 2)

    def beat() -> bool:
        return transact(kit.engine, lambda session: renew_windows(session, batch.windows, lease_s))

    with Pulse(beat, lease_s) as pulse:
        started = time.perf_counter()
        try:
            with (
                observed(StageName.INFERENCE),
                time_limit(kit.settings.stage_time_limit_s, kit.settings.stage_hard_limit_s, left_to_leases),
            ):
                engine = engine_of(batch.model)
                inputs = read_inputs(batch, kit)
                pulse.checkpoint()
                with observed_batch(len(batch.windows)):
                    predictions = engine.predict(inputs)
            scored = Scored(
                batch,
                predictions,
                tuple(engine.card.labels),
                engine.weights_sha256,
                time.perf_counter() - started,
            )
            write(lambda s: write_predictions(s, scored, kit.settings))
            log.info("batch done", windows=len(batch.windows), seconds=round(scored.seconds, 3))
        except LeaseLostError:
            log.info("batch given up: its jobs ended or another has it")
        except AvemotionError as error:
            code, message = error.code, error.message
            write(lambda s: fail_windows(s, batch.windows, code, message, kit.settings))
        except TimeLimitError:
            message = "The model took longer than allowed."
            write(lambda s: fail_windows(s, batch.windows, ErrorCode.TIMEOUT, message, kit.settings))
        except Exception as error:
            passing = isinstance(error, PASSING)
            log.warning("batch failed", error=type(error).__name__, exc_info=not passing)
            write(lambda s: try_again(s, batch.windows, passing=passing, settings=kit.settings))


def left_to_leases() -> None:
    """Say nothing more of a batch whose process is killed: it holds strangers, one of which is to blame."""


def read_inputs(batch: BatchClaim, kit: Toolkit) -> dict[str, NDArray[Any]]:
    """Return the model's inputs of the batch's windows, in their order."""
    parts: dict[str, list[NDArray[Any]]] = {}
    for segment_id, group in groupby(batch.windows, key=lambda window: window.segment_id):
        rows = [window.index for window in group]
        for name, stored in batch.inputs[segment_id].items():
            parts.setdefault(name, []).append(read_rows(kit.storage, stored, rows))
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


@dataclass(frozen=True)
class Scored:
    """A claimed batch and what the model said of it."""

    batch: BatchClaim
    predictions: Predictions
    labels: tuple[str, ...]
    weights_sha256: str
    seconds: float

    def rows(self) -> list[dict[str, Any]]:
        """Return what is written of each window, in the order of the batch."""
        said = self.predictions
        return [
            {
                "window_": window.id,
                "probabilities_": {
                    label: round(float(p), DIGITS)
                    for label, p in zip(self.labels, probabilities, strict=True)
                },
                "valence_": float(valence),
                "arousal_": float(arousal),
            }
            for window, probabilities, valence, arousal in zip(
                self.batch.windows, said.probabilities, said.valence, said.arousal, strict=True
            )
        ]


# Of the table, not of its class: nobody needs the objects.
_WINDOWS = cast("Table", Prediction.__table__)
_WRITE = (
    update(_WINDOWS)
    .where(_WINDOWS.c.id == bindparam("window_"))
    .values(
        status=WorkStatus.DONE,
        lease_until=None,
        **{name: bindparam(f"{name}_") for name in ("probabilities", "valence", "arousal")},
    )
)


def write_predictions(session: Session, scored: Scored, settings: Settings) -> None:
    """Write the predictions of those windows whose claims still stand, and close what they complete.

    All jobs of the batch share the statements: they are as many for eight jobs as for one.
    """
    batch = scored.batch
    shares = by_job(batch.windows)
    jobs = lock_jobs(session, shares)
    alive = standing(session, batch.windows)
    written: list[Job] = []
    for job in jobs:
        windows = shares[job.id]
        if alive.isdisjoint(window.id for window in windows):
            continue
        if not made_by(job, scored):
            message = "The model was replaced while the job ran; send the job again."
            end_job(session, job, JobStatus.FAILED, settings, error=(ErrorCode.MODEL_UNAVAILABLE, message))
            alive -= {window.id for window in windows}
            continue
        job.model_info = {**(job.model_info or {}), "weights_sha256": scored.weights_sha256}
        job.version += 1
        add_seconds(job, StageName.INFERENCE, scored.seconds * len(windows) / len(batch.windows))
        written.append(job)
    ids = {job.id for job in written}
    rows = [row for row in scored.rows() if row["window_"] in alive]
    if rows:
        session.connection().execute(_WRITE, rows)
        segments = {window.segment_id for window in batch.windows if window.job_id in ids}
        close_segments(session, written, segments, settings)


def made_by(job: Job, scored: Scored) -> bool:
    """Tell whether predictions come from the model that the job says: one result has one model."""
    named = job.model_info or {}
    made = {"weights_sha256": scored.weights_sha256, "labels": list(scored.labels)}
    return all(named.get(fact) in (None, value) for fact, value in made.items())


def by_job(windows: tuple[WindowClaim, ...]) -> dict[UUID, list[WindowClaim]]:
    """Return windows by job, jobs in the order in which everybody locks them."""
    jobs = sorted({window.job_id for window in windows})
    return {job: [window for window in windows if window.job_id == job] for job in jobs}


def fail_windows(
    session: Session, windows: tuple[WindowClaim, ...], code: ErrorCode, message: str, settings: Settings
) -> None:
    """End the jobs of windows whose claims still stand with a typed error."""
    for job_id, claims in by_job(windows).items():
        job = lock_job(session, job_id)
        if job is not None and not job.status.ended and standing(session, claims):
            end_job(session, job, JobStatus.FAILED, settings, error=(code, message))


def try_again(
    session: Session, windows: tuple[WindowClaim, ...], *, passing: bool, settings: Settings
) -> None:
    """Give windows back for another try; fail the jobs of those that have had theirs."""
    spent = tuple(window for window in windows if window.retries >= settings.max_retries)
    code = ErrorCode.SERVICE_UNAVAILABLE if passing else ErrorCode.INTERNAL_ERROR
    message = (
        f"The inference stage failed {settings.max_retries + 1} times; "
        "the operator finds the cause in the worker's log."
    )
    fail_windows(session, spent, code, message, settings)
    others = [window for window in windows if window not in spent]
    if others:
        give_back_windows(session, others, settings)

"""Pool processes: what they load before their first task."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import redis
from celery import bootsteps
from celery.signals import worker_process_init, worker_process_shutdown

from shared.analyzers import announce
from shared.queue import EVERYWHERE, INFERENCE, MEDIA
from shared.scratch import sweep_scratch
from shared.settings import Settings, get_settings
from shared.tracing import begin_tracing, end_tracing
from worker.app import app
from worker.liveness import BEAT_S, touch
from worker.toolkit import forget_parent
from worker.warm_up import warm_media_child, warm_media_parent, warm_model

log = logging.getLogger(__name__)

EXPRESS = "express"
"""The role of a media worker that takes interactive work only: it never waits for a bulk stage to end."""
# What serves a person (the express worker, the model, the API) gets the processor before what serves a batch.
COURTESY = 10
SWEEP_S = 600


class LivenessStep(bootsteps.StartStopStep):
    """Touches the sign of life from the worker's own event loop: a stuck loop stops touching."""

    requires = ("celery.worker.components:Timer",)
    role = "worker"

    def start(self, parent: Any) -> None:
        """Begin to touch."""
        touch(self.role)
        parent.timer.call_repeatedly(BEAT_S, touch, (self.role,))


class ScratchStep(bootsteps.StartStopStep):
    """Removes what killed children have left behind, faces above all."""

    requires = ("celery.worker.components:Timer",)

    def start(self, parent: Any) -> None:
        """Sweep now and from time to time."""
        self._sweep()
        parent.timer.call_repeatedly(SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        settings = get_settings()
        removed = sweep_scratch(settings.scratch_dir, 2 * settings.stage_hard_limit_s)
        if removed:
            log.warning("%d temporary folders of killed processes removed", removed)


class AnalyzerStep(bootsteps.StartStopStep):
    """Announces, as long as the worker is up, what else it can see faces with than the built-in analyzer."""

    requires = ("celery.worker.components:Timer",)
    problems: ClassVar[Mapping[str, Sequence[str]]] = {}

    def start(self, parent: Any) -> None:
        """Begin to announce."""
        self._announce(parent.hostname)
        parent.timer.call_repeatedly(BEAT_S, self._announce, (parent.hostname,))

    def _announce(self, worker: str) -> None:
        try:
            announce(get_settings(), worker, self.problems)
        except redis.RedisError as error:
            log.warning("analyzers not announced: %s", type(error).__name__)


def prepare(role: str, settings: Settings) -> tuple[str, ...]:
    """Load in the parent what children may share, and have each child load the rest.

    Returns the analyzers that work here.
    """
    problems: Mapping[str, Sequence[str]] = {}
    step = type("RoleLivenessStep", (LivenessStep,), {"role": role})
    app.steps["worker"].add(step)
    app.conf.worker_consumer = "worker.consumer:PatientConsumer"
    if role != INFERENCE:
        from worker.faces import set_up_analyzers  # noqa: PLC0415 - only media workers have its libraries

        warm_media_parent(settings)
        app.steps["worker"].add(ScratchStep)
        problems = set_up_analyzers(settings)
        if problems:
            app.steps["worker"].add(type("RoleAnalyzerStep", (AnalyzerStep,), {"problems": problems}))

    @worker_process_init.connect(weak=False)
    def begin(**_: Any) -> None:
        forget_parent()
        begin_tracing(settings, role)
        if role == INFERENCE:
            warm_model(settings)
        else:
            warm_media_child(settings)
        if role == MEDIA:
            os.nice(COURTESY)

    @worker_process_shutdown.connect(weak=False)
    def end(**_: Any) -> None:
        end_tracing()

    for analyzer, sentences in problems.items():
        for sentence in sentences:
            log.warning("%s cannot be used: %s", analyzer, sentence)
    return (EVERYWHERE, *(analyzer for analyzer, sentences in problems.items() if not sentences))

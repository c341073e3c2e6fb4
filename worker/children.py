"""Pool processes: what they load before their first task."""

from __future__ import annotations

import os
from typing import Any

from celery import bootsteps
from celery.signals import worker_process_init

from shared.queue import INFERENCE
from shared.settings import Settings
from worker.app import app
from worker.liveness import BEAT_S, touch
from worker.toolkit import forget_parent
from worker.warm_up import warm_media_child, warm_media_parent, warm_model


class LivenessStep(bootsteps.StartStopStep):
    """Touches the sign of life from the worker's own event loop: a stuck loop stops touching."""

    requires = ("celery.worker.components:Timer",)
    role = "worker"

    def start(self, parent: Any) -> None:
        """Begin to touch."""
        touch(self.role)
        parent.timer.call_repeatedly(BEAT_S, touch, (self.role,))


def prepare(role: str, settings: Settings) -> None:
    """Load in the parent what children may share, and have each child load the rest."""
    # Celery would change to SIGQUIT's cold shutdown only with this: finish the running task first.
    os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
    step = type("RoleLivenessStep", (LivenessStep,), {"role": role})
    app.steps["worker"].add(step)
    if role != INFERENCE:
        warm_media_parent(settings)

    @worker_process_init.connect(weak=False)
    def begin(**_: Any) -> None:
        forget_parent()
        if role == INFERENCE:
            warm_model(settings)
        else:
            warm_media_child(settings)

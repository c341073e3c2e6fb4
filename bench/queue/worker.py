"""``python -m bench.queue.worker media|inference``: a worker whose stages do nothing.

Everything around the stages is the service's own.
"""

from __future__ import annotations

import sys

from bench.queue import stages
from worker import children, tasks, walk
from worker.__main__ import main
from worker.stages import inference


def stand_in() -> None:
    """Put the stages that do nothing where the real ones are looked up, and load no libraries for them."""
    for module in (walk, tasks):
        module.work_of = stages.work_of  # type: ignore[attr-defined]  # imported there, not exported
    inference.engine_of = stages.no_model  # type: ignore[assignment]  # what a stage uses of it, it has
    inference.read_inputs = stages.no_inputs
    # Nobody is here to whom batches would have to give way, and Celery alone does not either.
    children.COURTESY = 0
    for warm_up in ("warm_media_parent", "warm_media_child"):
        setattr(children, warm_up, lambda _settings: None)


if __name__ == "__main__":
    stand_in()
    sys.exit(main(sys.argv[1:]))

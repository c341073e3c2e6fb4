"""``python -m worker.flower``: Flower, a page that shows operators workers and tasks.

It is set by its own ``FLOWER_*`` variables; the address of the broker comes from our settings, so that no
list of processes shows its password.
"""

from __future__ import annotations

import os
import sys

import structlog

from shared.broker_access import access_of
from shared.start import begin, faults_told

log = structlog.stdlib.get_logger(__name__)

AUTH = "FLOWER_BASIC_AUTH"
DEFAULTS = {
    "FLOWER_ADDRESS": "127.0.0.1",
    # It shows things and changes none: `avemotion ops` does that, by the tables.
    "FLOWER_READ_ONLY": "true",
    # Whether workers tell of tasks is theirs to say: AVEMOTION_TASK_EVENTS.
    "FLOWER_ENABLE_EVENTS": "false",
}


def main() -> int:
    """Run Flower until it is told to stop; return the exit status, 1 if anybody could look at it."""
    settings = begin()
    name, _, password = os.environ.get(AUTH, "").partition(":")
    if not name or not password:
        log.error("cannot start", reason=f"Set {AUTH} to NAME:PASSWORD; Flower is not shown to just anybody.")
        return 1
    with faults_told():
        access_of(settings)
    from worker.app import app  # noqa: PLC0415 - it needs a broker's address

    for variable, value in DEFAULTS.items():
        os.environ.setdefault(variable, value)
    app.start(["flower"])
    return 0


if __name__ == "__main__":
    sys.exit(main())

from __future__ import annotations

import io

from rich.console import Console

from client.run.report import write_errors
from client.run.scoring import Outcome
from shared.errors import AvemotionError, ErrorCode


def test_the_end_of_a_log_is_shown_once() -> None:
    """What stopped every clip is told for each, its log only for the first, and safely."""
    error = AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, "api died. Its log ends with:\nfirst\x1b[2J\nlast")
    file = io.StringIO()
    write_errors([("a.mp4", Outcome(error=error)), ("b.mp4", Outcome(error=error))], Console(file=file))
    assert file.getvalue() == (
        "a.mp4: service_unavailable: api died. Its log ends with:\n"
        "first\\x1b[2J\n"
        "last\n"
        "b.mp4: service_unavailable: api died. Its log ends with:\n"
    )

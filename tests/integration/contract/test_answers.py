"""schemathesis over the whole contract: every operation there is, with requests good and bad."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from api import create_app
from shared.settings import Settings
from shared.storage import Storage
from shared.webhooks.secrets import make_secret
from tests.integration.api.conftest import client_of, serve
from tests.integration.api.test_access import new_key
from tests.integration.conftest import services_of
from tests.integration.contract.population import Populator
from tests.integration.contract.trial import Findings, run

Try = Callable[..., Findings]
# Of each operation and kind of test. More take minutes, and find more.
EXAMPLES = int(os.environ.get("AVEMOTION_EXAMPLES", "1"))
LIMIT_S = 25


@pytest.fixture
def attempt(settings: Settings, engine: Engine, storage: Storage, tmp_path: Path) -> Try:
    """Run schemathesis against a service that has been used for a while."""

    def start(auth: str, examples: int, limit_s: int) -> Findings:
        # Many requests ask to wait.
        chosen = settings.model_copy(
            update={"auth": auth, "max_wait_s": 0.1, "webhook_secret": SecretStr(make_secret())}
        )
        headers = new_key(engine) if auth == "on" else {}
        app = create_app(chosen)
        there = Populator(client_of(app), engine, storage, headers).fill(4)
        services_of(app).close()
        with serve(chosen, tmp_path / "gunicorn.log") as live:
            return run(live.url, there, headers, examples=examples, limit_s=limit_s)

    return start


def assert_kept(found: Findings) -> None:
    """Fail unless nothing went against the contract, and each operation was seen to do its work."""
    assert not found.failures, "\n".join(found.failures.values())
    idle = [label for label, statuses in found.statuses.items() if not any(200 <= s < 300 for s in statuses)]
    assert not (found.is_whole and idle)


@pytest.mark.parametrize("auth", [pytest.param("off", marks=pytest.mark.slow), "on"])
@pytest.mark.timeout(300 + LIMIT_S * EXAMPLES)
def test_every_answer_is_in_the_contract(attempt: Try, auth: str) -> None:
    """No request gets an answer that the contract does not describe, and none that breaks the service."""
    assert_kept(attempt(auth, examples=EXAMPLES, limit_s=LIMIT_S * EXAMPLES))

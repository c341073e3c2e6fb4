"""Settings as the environment has them."""

from __future__ import annotations

import pytest

from shared.settings import Settings


@pytest.mark.parametrize("name", ["SCRATCH_DIR", "DATABASE_URL", "BROKER_URL", "S3_DIRECT_BYTES", "PORT"])
def test_an_empty_variable_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files pass variables on that are not set as empty ones: the default holds."""
    monkeypatch.delenv(f"AVEMOTION_{name}", raising=False)
    unset = getattr(Settings(), name.lower())

    monkeypatch.setenv(f"AVEMOTION_{name}", "")

    assert getattr(Settings(), name.lower()) == unset

"""Another secret for a key."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, func, update
from sqlalchemy.orm import Session

from shared.keys import create_key, find_owner
from shared.tables import ApiKey
from tests.integration.ops.conftest import Ops


@pytest.fixture
def made(engine: Engine) -> tuple[UUID, str]:
    """A key, and its first secret."""
    with Session(engine) as session, session.begin():
        return create_key(session, "lab")


def owners(engine: Engine, *secrets: str) -> list[UUID | None]:
    """Return whose each secret is."""
    with Session(engine) as session:
        return [find_owner(session, secret) for secret in secrets]


def test_a_key_gets_another_secret(ops: Ops, engine: Engine, made: tuple[UUID, str]) -> None:
    """The same key answers to the new one alone."""
    key, leaked = made

    outcome = ops("keys", "rotate", str(key))

    assert outcome.err == f"Key {key} has another secret. Keep it now: it cannot be shown again.\n"
    assert owners(engine, leaked, outcome.out.strip()) == [None, key]


def test_both_secrets_work_for_a_while(ops: Ops, engine: Engine, made: tuple[UUID, str]) -> None:
    """Clients are moved one by one; then the old secret ends by itself. It is said where keys are shown."""
    key, first = made

    outcome = ops("keys", "rotate", str(key), "--overlap", "2d")

    second = outcome.out.strip()
    assert outcome.err.splitlines()[0].startswith(f"Key {key} has another secret.")
    assert "The one before works until " in outcome.err
    assert owners(engine, first, second) == [key, key]
    for shown in (ops("keys", "list").out, ops("keys", "show", str(key)).out):
        assert "the secret before works until " in shown
    with Session(engine) as session, session.begin():
        session.execute(update(ApiKey).values(previous_until=func.now() - timedelta(seconds=1)))
    assert owners(engine, first, second) == [None, key]
    for shown in (ops("keys", "list").out, ops("keys", "show", str(key)).out):
        assert "the secret before" not in shown


@pytest.mark.parametrize("overlap", [(), ("--overlap", "2d")])
def test_of_two_secrets_before_the_first_ends(
    ops: Ops, engine: Engine, made: tuple[UUID, str], overlap: tuple[str, ...]
) -> None:
    """A key has two secrets at most; rotated without an overlap it has one, whatever was before."""
    key, first = made
    second = ops("keys", "rotate", str(key), "--overlap", "2d").out.strip()

    third = ops("keys", "rotate", str(key), *overlap).out.strip()

    assert owners(engine, first, second, third) == [None, key if overlap else None, key]


def test_a_key_that_is_revoked_has_no_secret(ops: Ops, engine: Engine, made: tuple[UUID, str]) -> None:
    """Neither secret works any more, and it gets no other; nor does a key that is unknown."""
    key, first = made
    second = ops("keys", "rotate", str(key), "--overlap", "2d").out.strip()

    ops("keys", "revoke", str(key))

    assert owners(engine, first, second) == [None, None]
    for wrong in (str(key), str(uuid4())):
        assert ops("keys", "rotate", wrong).err == f"not_found: There is no valid key {wrong}.\n"


@pytest.mark.parametrize("overlap", ["91d", "99999999999w", "soon"])
def test_an_overlap_ends(ops: Ops, engine: Engine, made: tuple[UUID, str], overlap: str) -> None:
    """It is 90 days at most, and an age."""
    key, secret = made

    outcome = ops("keys", "rotate", str(key), "--overlap", overlap)

    assert outcome.code == 2
    assert "90d" in outcome.err or "is no age" in outcome.err
    assert owners(engine, secret) == [key]

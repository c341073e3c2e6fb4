"""The sign of life that health checks look at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.settings import get_settings
from worker.liveness import STALE_S, is_alive, sign_of_life, touch


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings with folders of the test's own."""
    monkeypatch.setenv("AVEMOTION_SCRATCH_DIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def test_a_process_that_touches_is_alive() -> None:
    """A role is alive once it has touched its sign, and other roles are not."""
    assert not is_alive("media")

    touch("media")

    assert is_alive("media")
    assert not is_alive("janitor")


def test_an_old_sign_is_no_life() -> None:
    """A process that has not touched for long is taken for dead."""
    touch("media")
    sign = sign_of_life("media")
    old = sign.stat().st_mtime - STALE_S - 1

    os.utime(sign, (old, old))

    assert not is_alive("media")


def test_stacks_on_one_machine_do_not_share_a_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two data folders have two signs: one stack's life does not hide another's death."""
    signs = set()
    for name in ("one", "two"):
        monkeypatch.setenv("AVEMOTION_DATA_DIR", str(tmp_path / name))
        get_settings.cache_clear()
        signs.add(sign_of_life("media"))

    assert len(signs) == 2


def test_a_sign_that_cannot_be_written_kills_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that belongs to somebody else, or is gone, is no reason to die."""
    monkeypatch.setenv("AVEMOTION_SCRATCH_DIR", str(tmp_path / "gone" / "away"))
    get_settings.cache_clear()

    touch("janitor")

    assert not is_alive("janitor")

"""``avemotion ops`` on a real PostgreSQL with the tables of the service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from client.main import app
from client.stack.services import service_processes
from client.stack.stack import EmbeddedStack
from shared.database import connect
from shared.keys import find_owner
from shared.settings import Settings, get_settings

Capture = pytest.CaptureFixture[str]


def ops(*arguments: str) -> int | str | None:
    """Run ``avemotion ops keys`` in this process and return its exit code."""
    get_settings.cache_clear()
    with pytest.raises(SystemExit) as ended:
        app(["ops", "keys", *arguments])
    return ended.value.code


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStack]:
    """The embedded servers with every table, and no service on top."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), port=0)
    with EmbeddedStack(
        settings,
        services=lambda *arguments: [
            process for process in service_processes(*arguments) if process.name == "migrations"
        ],
    ) as running:
        yield running


@pytest.fixture
def data(stack: EmbeddedStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedStack]:
    """The environment of somebody who works on that stack's folder."""
    monkeypatch.setenv("AVEMOTION_DATA_DIR", str(stack.folder.path))
    yield stack
    get_settings.cache_clear()


def owns(stack: EmbeddedStack, secret: str) -> bool:
    """Tell whether the service would take this key."""
    with Session(connect(stack.settings)) as session:
        return find_owner(session, secret) is not None


def test_a_key_works_until_it_is_revoked(data: EmbeddedStack, capsys: Capture) -> None:
    """Create prints the secret alone on stdout; list shows the key, not the secret; revoke ends it."""
    assert ops("create", "front \x1bend") == 0
    out, err = capsys.readouterr()
    secret = out.strip()
    assert out == f"{secret}\n"
    assert owns(data, secret)
    found = re.search(r"Key ([0-9a-f-]{36}) for front \\x1bend\.", err)
    assert found is not None

    assert ops("list") == 0
    listed = capsys.readouterr().out
    assert re.search(rf"^{found[1]}  \d{{4}}-\d\d-\d\d  valid    front \\x1bend$", listed, re.MULTILINE)
    assert secret not in listed

    assert ops("revoke", found[1]) == 0
    assert not owns(data, secret)
    capsys.readouterr()
    ops("list")
    assert f"{found[1]}  " in (listed := capsys.readouterr().out)
    assert "revoked" in listed


def test_a_key_that_is_not_there_cannot_be_revoked(data: EmbeddedStack, capsys: Capture) -> None:  # noqa: ARG001
    """Revoking an unknown key is a typed error."""
    assert ops("revoke", "0198c0de-0000-7000-8000-000000000001") == 1
    assert capsys.readouterr().err.startswith("not_found: There is no valid key 0198c0de")


def test_the_set_address_comes_first(
    data: EmbeddedStack, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """AVEMOTION_DATABASE_URL is used where it is set, whatever runs on the data folder."""
    monkeypatch.setenv("AVEMOTION_DATABASE_URL", str(data.settings.database_url))
    monkeypatch.setenv("AVEMOTION_DATA_DIR", "nowhere")
    assert ops("create", "x") == 0
    assert owns(data, capsys.readouterr().out.strip())


def test_an_id_that_is_none_is_a_usage_error(capsys: Capture) -> None:
    """What is no id is told so before anything is asked."""
    assert ops("revoke", "mine") == 2
    assert "'ID'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://127.0.0.1:1/x", "service_unavailable: The database does not answer"),
        ("nonsense", "invalid_request: AVEMOTION_DATABASE_URL is no address"),
    ],
)
def test_a_database_that_is_not_there_is_a_sentence(
    url: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """A wrong address ends in one line."""
    monkeypatch.setenv("AVEMOTION_DATABASE_URL", url)
    assert ops("list") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(told)
    assert len(err.splitlines()) == 1


def test_no_database_at_all_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Without address and stack it is said how to get one, and no folder is made."""
    monkeypatch.setenv("AVEMOTION_DATA_DIR", str(tmp_path / "data"))
    assert ops("list") == 1
    assert "avemotion serve" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()

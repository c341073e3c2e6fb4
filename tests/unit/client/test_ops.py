"""``avemotion ops`` on a real PostgreSQL with the tables of the service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from client.main import app
from client.stack.services import service_processes
from client.stack.stack import EmbeddedStack
from shared.database import connect
from shared.keys import create_key, find_owner
from shared.settings import Settings, get_settings
from shared.tables import Batch, Webhook, WebhookOutcome, WebhookState
from shared.webhooks.secrets import make_secret, secrets_for, write_secret

Capture = pytest.CaptureFixture[str]


def ops(*arguments: str) -> int | str | None:
    """Run ``avemotion ops`` in this process and return its exit code."""
    get_settings.cache_clear()
    with pytest.raises(SystemExit) as ended:
        app(["ops", *arguments])
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
    assert ops("keys", "create", "front \x1bend") == 0
    out, err = capsys.readouterr()
    secret = out.strip()
    assert out == f"{secret}\n"
    assert owns(data, secret)
    found = re.search(r"Key ([0-9a-f-]{36}) for front \\x1bend\.", err)
    assert found is not None

    assert ops("keys", "list") == 0
    listed = capsys.readouterr().out
    assert re.search(rf"^{found[1]}  \d{{4}}-\d\d-\d\d  valid    front \\x1bend$", listed, re.MULTILINE)
    assert secret not in listed

    assert ops("keys", "revoke", found[1]) == 0
    assert not owns(data, secret)
    capsys.readouterr()
    ops("keys", "list")
    assert f"{found[1]}  " in (listed := capsys.readouterr().out)
    assert "revoked" in listed


def test_limits_of_a_key_are_set_and_listed(data: EmbeddedStack, capsys: Capture) -> None:  # noqa: ARG001
    """A key is made with limits, listed with them, and gets others; `none` and `default` are two of them."""
    assert ops("keys", "create", "lab", "--max-jobs", "500", "--max-bytes", "1.5GB") == 0
    found = re.search(r"Key ([0-9a-f-]{36}) for lab", capsys.readouterr().err)
    assert found is not None
    ops("keys", "list")
    listed = "valid    lab\n    500 unfinished jobs, 1.5 GB of uploads\n"
    assert listed in capsys.readouterr().out

    changes = ("--max-jobs", "default", "--max-bytes", "none", "--requests-per-minute", "600")
    assert ops("keys", "limit", found[1], *changes) == 0
    told = "any amount of uploads, 600 requests a minute"
    assert capsys.readouterr().err == f"Key {found[1]}: {told}.\n"
    ops("keys", "list")
    assert f"lab\n    {told}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        *(("--max-jobs", word) for word in ("0", "-1", "many", "1.5", "3000000000")),
        *(("--max-bytes", word) for word in ("0", "-5", "50 apples", "1e99")),
    ],
)
def test_limits_that_are_none_are_a_usage_error(arguments: tuple[str, ...], capsys: Capture) -> None:
    """What is no limit, and no limit at all, is told so before anything is asked."""
    assert ops("keys", "limit", "0198c0de-0000-7000-8000-000000000001", *arguments) == 2
    assert "--max-" in capsys.readouterr().err


def test_a_key_that_is_not_there_gets_no_limits(data: EmbeddedStack, capsys: Capture) -> None:  # noqa: ARG001
    """Limiting an unknown key is a typed error."""
    assert ops("keys", "limit", "0198c0de-0000-7000-8000-000000000001", "--max-jobs", "1") == 1
    assert capsys.readouterr().err.startswith("not_found: There is no valid key 0198c0de")


def test_a_key_that_is_not_there_cannot_be_revoked(data: EmbeddedStack, capsys: Capture) -> None:  # noqa: ARG001
    """Revoking an unknown key is a typed error."""
    assert ops("keys", "revoke", "0198c0de-0000-7000-8000-000000000001") == 1
    assert capsys.readouterr().err.startswith("not_found: There is no valid key 0198c0de")


def test_the_set_address_comes_first(
    data: EmbeddedStack, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """AVEMOTION_DATABASE_URL is used where it is set, whatever runs on the data folder."""
    monkeypatch.setenv("AVEMOTION_DATABASE_URL", str(data.settings.database_url))
    monkeypatch.setenv("AVEMOTION_DATA_DIR", "nowhere")
    assert ops("keys", "create", "x") == 0
    assert owns(data, capsys.readouterr().out.strip())


def test_an_id_that_is_none_is_a_usage_error(capsys: Capture) -> None:
    """What is no id is told so before anything is asked."""
    assert ops("keys", "revoke", "mine") == 2
    assert "'ID'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://127.0.0.1:1/x", "service_unavailable: The database does not answer"),
        ("nonsense", "invalid_settings: AVEMOTION_DATABASE_URL is no address"),
    ],
)
def test_a_database_that_is_not_there_is_a_sentence(
    url: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """A wrong address ends in one line."""
    monkeypatch.setenv("AVEMOTION_DATABASE_URL", url)
    assert ops("keys", "list") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(told)
    assert len(err.splitlines()) == 1


def test_no_database_at_all_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Without address and stack it is said how to get one, and no folder is made."""
    monkeypatch.setenv("AVEMOTION_DATA_DIR", str(tmp_path / "data"))
    assert ops("keys", "list") == 1
    assert "avemotion serve" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


@pytest.fixture
def given_up(stack: EmbeddedStack) -> Iterator[Webhook]:
    """A webhook of a batch that was given up."""
    with Session(connect(stack.settings), expire_on_commit=False) as session:
        batch = Batch(webhook_url="https://example.org/?token=0123456789")
        session.add(batch)
        session.flush()
        row = Webhook(
            batch_id=batch.id,
            event="batch.finished",
            receiver="example.org",
            state=WebhookState.FAILED,
            tries=12,
            attempts=12,
            last_outcome=WebhookOutcome.REJECTED,
            last_status=503,
        )
        session.add(row)
        session.commit()
        yield row
        session.execute(delete(Batch))
        session.commit()


def test_webhooks_are_listed_and_sent_again(data: EmbeddedStack, given_up: Webhook, capsys: Capture) -> None:
    """What was given up is listed with what happened, and no token; sent again, it is pending."""
    for arguments in ((), ("--failed",)):
        assert ops("webhooks", *arguments) == 0
        [line] = capsys.readouterr().out.splitlines()
        assert line.split() == [
            *(str(given_up.id), "batch.finished", "batch", str(given_up.batch_id), "failed", "12"),
            *("rejected", "(503)", "example.org"),
        ]

    assert ops("webhooks", "resend", "--all") == 0
    assert capsys.readouterr().err == "1 to be sent again.\n"
    with Session(connect(data.settings)) as session:
        assert session.get_one(Webhook, given_up.id).state is WebhookState.PENDING
    assert ops("webhooks", "--failed") == 0
    assert capsys.readouterr() == ("", "There are no such webhooks.\n")
    assert ops("webhooks", "resend", str(given_up.id)) == 1
    assert capsys.readouterr().err.startswith("not_found: ")


@pytest.mark.parametrize("arguments", [(), ("0198c0de-0000-7000-8000-000000000001", "--all")])
def test_what_to_send_again_must_be_said(arguments: tuple[str, ...], capsys: Capture) -> None:
    """Neither an id nor --all, or both, is a usage error."""
    assert ops("webhooks", "resend", *arguments) == 2
    assert "--all" in capsys.readouterr().err


def test_secret_of_the_stack_is_shown(data: EmbeddedStack, capsys: Capture) -> None:
    """The stack signs with a secret of its own, which only its owner can read, and each key has another."""
    assert data.settings.webhook_secret is not None
    secret = data.settings.webhook_secret.get_secret_value()
    kept = data.folder.path / "webhook_secret"
    assert kept.read_text() == f"{secret}\n"
    assert kept.stat().st_mode & 0o777 == 0o600
    with Session(connect(data.settings)) as session:
        key_id, _ = create_key(session, "lab")
        session.commit()

    assert ops("webhooks", "secret") == 0
    assert capsys.readouterr().out == f"{secret}\n"
    assert ops("webhooks", "secret", "--key", str(key_id)) == 0
    assert capsys.readouterr().out == f"{write_secret(secrets_for(secret, key_id)[0])}\n"
    assert ops("webhooks", "secret", "--key", "0198c0de-0000-7000-8000-000000000001") == 1
    assert capsys.readouterr().err.startswith("not_found: ")


def test_secrets_that_are_set_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """All secrets that sign are shown, the newest first; without any it is said how to get one."""
    monkeypatch.setenv("AVEMOTION_DATA_DIR", str(tmp_path / "data"))
    assert ops("webhooks", "secret") == 1
    assert "--new" in capsys.readouterr().err
    assert ops("webhooks", "secret", "--new") == 0
    new, old = capsys.readouterr().out.strip(), make_secret()

    monkeypatch.setenv("AVEMOTION_WEBHOOK_SECRET", f"{new} {old}")
    assert ops("webhooks", "secret") == 0
    assert capsys.readouterr().out.split() == [new, old]
    assert not (tmp_path / "data").exists()


def test_secret_that_is_none_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """A setting that is no secret is told without being shown."""
    monkeypatch.setenv("AVEMOTION_WEBHOOK_SECRET", "open sesame")
    assert ops("webhooks", "secret") == 1
    out, err = capsys.readouterr()
    assert "AVEMOTION_WEBHOOK_SECRET must be whsec_" in err
    assert "sesame" not in out + err

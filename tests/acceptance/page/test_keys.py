"""The page in front of a service that asks for API keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from shared.database import transact
from shared.keys import create_key
from tests.acceptance.page.conftest import OpenPage
from tests.acceptance.page.rules import violations
from tests.acceptance.page.steps import answer_dialog, await_status, rows, send
from tests.acceptance.service import Service, running_service

# A clip is scored within one of these tests, however busy the machine is.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def service(
    chromium: str,  # noqa: ARG001 - without it nothing is started
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """A service with keys on."""
    with running_service(tmp_path_factory.mktemp("keys"), auth="on", lease_s=15.0) as running:
        yield running


def new_key(service: Service, name: str) -> str:
    return transact(service.engine, lambda session: create_key(session, name))[1]


def test_a_key_is_asked_for(open_page: OpenPage, service: Service, clip: Path) -> None:
    """The page itself is open; a key is asked for, checked, kept for the tab, and forgotten on request."""
    key, other = new_key(service, "me"), new_key(service, "somebody else")
    page = open_page()
    expect(page.get_by_role("dialog")).to_contain_text("This server asks for an API key.")
    assert violations(page) == []
    answer_dialog(page, "Use this key", "avm_wrong")
    expect(page.get_by_role("dialog")).to_contain_text("does not know this key")
    answer_dialog(page, "Use this key", key)
    expect(page.get_by_role("button", name="Forget key")).to_be_visible()
    job_id = send(page, clip)
    await_status(page, "Done")
    # Pictures are files that need the key too.
    given = page.get_by_label("What the model was given")
    given.scroll_into_view_if_needed()
    expect(given.get_by_role("img").first).to_be_visible()
    page.reload()
    await_status(page, "Done")
    page.get_by_role("link", name="History").click()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Forget key").click()
    answer_dialog(page, "Use this key", other)
    expect(page.get_by_text("Nothing has been scored yet.")).to_be_visible()
    assert page.evaluate("JSON.stringify(localStorage)").count(key) == 0
    url = f"{service.stack.api_url}/jobs/{job_id}"
    assert httpx.get(url, headers={"Authorization": f"Bearer {other}"}, trust_env=False).status_code == 404


def test_another_tab_asks_again(open_page: OpenPage, service: Service) -> None:
    """A key is a tab's own: it is in no other tab and in no cookie."""
    page = open_page("#/history")
    answer_dialog(page, "Use this key", new_key(service, "tabs"))
    expect(page.get_by_text("Nothing has been scored yet.")).to_be_visible()
    assert page.context.cookies() == []
    second = page.context.new_page()
    second.goto("/#/history")
    expect(second.get_by_role("dialog")).to_contain_text("asks for an API key")

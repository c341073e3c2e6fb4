"""The page where clips and pictures come from an object store, by links, and keys are on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from shared.database import transact
from shared.keys import create_key
from tests.acceptance.page.conftest import OpenPage
from tests.acceptance.page.steps import answer_dialog, await_status, send
from tests.acceptance.service import Service, running_service
from tests.object_store import ObjectStore
from tests.servers import wait_until

# A clip is scored within one of these tests, however busy the machine is.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module", params=["on", "off"])
def service(
    request: pytest.FixtureRequest,
    chromium: str,  # noqa: ARG001 - without it nothing is started
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """A service that answers with links, with keys and without."""
    folder = tmp_path_factory.mktemp("links")
    with (
        ObjectStore() as store,
        running_service(
            folder, auth=request.param, lease_s=15.0, **store.settings(s3_presign=True)
        ) as running,
    ):
        yield running


def test_clips_and_pictures_are_shown(open_page: OpenPage, service: Service, clip: Path) -> None:
    """The clip plays and the pictures are seen, nothing of which the page's own policy forbids."""
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url))
    if service.settings.auth == "on":
        key = transact(service.engine, lambda session: create_key(session, "me"))[1]
        answer_dialog(page, "Use this key", key)
    send(page, clip)
    await_status(page, "Done")
    page.reload()
    await_status(page, "Done")

    given = page.get_by_label("What the model was given")
    given.scroll_into_view_if_needed()
    expect(given.get_by_role("img").first).to_be_visible()
    # Not by `wait_for_function`, whose second look would be an `eval` that the page's policy forbids.
    wait_until(lambda: page.evaluate("document.querySelector('video')?.readyState >= 1"))
    endpoint = str(service.settings.s3_endpoint_url)
    linked = {url.split("?")[0].rsplit("/", 1)[-1] for url in asked if url.startswith(endpoint)}
    assert any(name.endswith(".png") for name in linked)
    assert any("uploads/" in url for url in asked if url.startswith(endpoint))

"""The page in headless Chromium, in front of a whole service of real processes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests import media_factory
from tests.acceptance.service import Service, running_service
from tests.browser import find_chromium, running_chromium

FLAGS = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
# What a browser says by itself of answers that the page expects and tells of in its own words.
EXPECTED = re.compile(r"Failed to load resource: (the server responded with a status of|net::ERR_)")
PATIENCE_MS = 60_000
SCORING_MS = 240_000

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is."""
    path = find_chromium()
    if path is None:
        pytest.skip("Chromium is not installed; on Debian: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    return path


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:  # noqa: ARG001 - it is there
    """Chromium, with a camera and a microphone that it makes up."""
    with running_chromium(*FLAGS) as running:
        yield running


@pytest.fixture(scope="package")
def service(
    chromium: str,  # noqa: ARG001 - without it nothing is started
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """A whole service, which takes larger files than the one of other tests."""
    folder = tmp_path_factory.mktemp("page")
    with running_service(folder, max_upload_bytes=110_000_000, lease_s=15.0) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, service: Service) -> Iterator[OpenPage]:
    """Open the page, each time as another person: ``open_page(route, width=…, height=…, theme=…)``.

    A script that fails, or anything that the page's policy forbids, fails the test.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and not EXPECTED.match(message.text):
            faults.append(message.text)

    def start(
        route: str = "", *, width: int = 1280, height: int = 900, theme: str = "light", url: str = ""
    ) -> Page:
        context = browser.new_context(
            base_url=url or service.stack.api_url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            permissions=["camera", "microphone"],
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", hear)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        page = context.new_page()
        page.goto(f"/{route}")
        return page

    yield start
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """The page, opened on its start by somebody new."""
    return open_page()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of a real face with a voice-like sound."""
    return media_factory.face_video(tmp_path_factory.mktemp("clips") / "A person speaks.mp4", duration_s=4)


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As many seconds as leave time to look at a job that runs: several segments of the service's 6 s."""
    return media_factory.face_video(tmp_path_factory.mktemp("clips") / "long.mp4", duration_s=14)


@pytest.fixture(autouse=True)
def _emptied(service: Service) -> Iterator[None]:
    """Leave nothing of one test to the next."""
    yield
    service.http.delete("/jobs", params={"all": "true"})

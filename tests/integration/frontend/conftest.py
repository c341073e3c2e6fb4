"""An API that pages of one other origin may call, and such a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from sqlalchemy import Engine

from shared.settings import Settings
from tests.browser import running_chromium
from tests.integration.api.conftest import LiveApi, serve
from tests.integration.api.test_access import new_key
from tests.integration.frontend.browser import CHROMIUM_FLAGS, build_page, serve_folder, what_is_missing


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of the page."""
    missing = what_is_missing()
    if missing is not None:
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("page")
    build_page(folder)
    with serve_folder(folder) as found:
        yield found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A running browser."""
    with running_chromium(*CHROMIUM_FLAGS) as running:
        yield running


@dataclass
class Server:
    """An API that a test may stop and start again."""

    settings: Settings
    folder: Path
    port: int | None = None
    _running: ExitStack = field(default_factory=ExitStack)

    def start(self) -> LiveApi:
        """Start it, where it was before."""
        live = self._running.enter_context(serve(self.settings, self.folder / "gunicorn.log", port=self.port))
        self.port = live.port
        return live

    def stop(self) -> None:
        """Stop it."""
        self._running.close()


@pytest.fixture
def server(settings: Settings, origin: str, tmp_path: Path) -> Iterator[Server]:
    """The API with keys on, which lets the page call."""
    server = Server(settings.model_copy(update={"auth": "on", "cors_origins": origin}), tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def key(engine: Engine) -> str:
    """What the page sends as Authorization."""
    return new_key(engine)["Authorization"]


@dataclass
class Page:
    """The page, what it asked the API, and which statuses it was answered with."""

    page: Any
    api: str
    key: str
    asked: list[str] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def show(self, what: str | None = None, **props: Any) -> None:
        """Show a component; without a name nothing is shown any more."""
        self.page.evaluate("([what, props]) => window.show(what, props)", [what, props])

    def watch(self, job_id: str, **props: Any) -> None:
        """Watch a job through the hook."""
        self.show("Watch", url=f"{self.api}/jobs/{job_id}", authorization=self.key, **props)

    def seen(self) -> list[dict[str, Any]]:
        """Return what the hook has told, in its order."""
        found: list[dict[str, Any]] = self.page.evaluate("window.seen")
        return found

    def wait_for(self, condition: str) -> None:
        """Wait until the last thing that the hook told fulfils a condition on ``last``."""
        self.page.wait_for_function(
            f"() => {{ const last = window.seen.at(-1); return last && ({condition}); }}"
        )

    def hide(self, *, hidden: bool) -> None:
        """Do as if the tab were hidden, or shown again."""
        self.page.evaluate(
            "(hidden) => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
            " document.dispatchEvent(new Event('visibilitychange', { bubbles: true })); }",
            hidden,
        )

    def pass_time(self, seconds: int) -> None:
        """Let the page's clock run ahead; what it asks for then has been answered when this returns."""
        self.page.clock.run_for(seconds * 1000)
        self._turn()
        while len(self.ended) < len(self.asked):
            self._turn()
        # What came is looked at, and the next timer set.
        self._turn()

    def _turn(self) -> None:
        """Wait for a request that is sent after all others."""
        self.page.evaluate("fetch('index.html').then((reply) => reply.text())")

    def assert_quiet(self) -> None:
        """Fail if the page asks the API for anything, however long it is open."""
        before = list(self.asked)
        for _ in range(3):
            self.pass_time(60)
        assert self.asked == before


@pytest.fixture
def page(chromium: Any, server: Server, origin: str, key: str) -> Iterator[Page]:
    """The page, open."""
    context = chromium.new_context()
    tab = context.new_page()
    tab.clock.install()
    opened = Page(tab, f"http://127.0.0.1:{server.port}", key)

    def is_ours(address: str) -> bool:
        return address.startswith(opened.api)

    tab.on("request", lambda sent: is_ours(sent.url) and opened.asked.append(sent.url))
    for end in ("requestfinished", "requestfailed"):
        tab.on(end, lambda sent: is_ours(sent.url) and opened.ended.append(sent.url))
    tab.on("response", lambda answer: is_ours(answer.url) and opened.answered.append(answer.status))
    tab.goto(f"{origin}/index.html")
    yield opened
    context.close()

"""The browser of the tests: Chromium as the system brings it, without a window."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Return the path of Chromium; ``None`` if it is not installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running_chromium(*flags: str) -> Iterator[Browser]:
    """Run Chromium, for the tests of one file at most.

    As long as it is open an event loop runs in this thread, and no other can: not a second browser's, nor
    that of a test which runs one of its own.
    """
    # Its sandbox refuses to work for root.
    everyone = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*flags, *everyone])
        yield browser
        browser.close()

"""What people do on the page, step by step."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.page.conftest import SCORING_MS

DROP = """
([content, name]) => {
  const data = new DataTransfer();
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  data.items.add(new File([bytes], name, { type: 'video/mp4' }));
  document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
}
"""
JOB = re.compile(r"#/jobs/([0-9a-f-]{36})$")


def choose(page: Page, *paths: Path) -> None:
    """Pick files as a person does in the browser's own dialog."""
    page.get_by_label("Clips", exact=True).set_input_files([str(path) for path in paths])


def drop(page: Page, path: Path) -> None:
    """Drop a file somewhere on the page."""
    page.evaluate(DROP, [base64.b64encode(path.read_bytes()).decode(), path.name])


def send(page: Page, path: Path) -> str:
    """Choose a clip, send it, and return the job's id once its page is shown."""
    choose(page, path)
    page.get_by_role("button", name="Score", exact=True).click()
    page.wait_for_url(JOB)
    return job_of(page)


def job_of(page: Page) -> str:
    """Return the id of the job that the page shows."""
    found = JOB.search(page.url)
    assert found is not None, page.url
    return found[1]


def badge(page: Page) -> Locator:
    """Return the sign of the job's state."""
    return page.locator(".job-name .badge")


def await_status(page: Page, word: str) -> None:
    """Wait until the job's state is said to be ``word``."""
    expect(badge(page)).to_have_text(word, timeout=SCORING_MS)


def answer_dialog(page: Page, button: str, text: str | None = None) -> None:
    """Answer the question that stands open."""
    dialog = page.get_by_role("dialog")
    if text is not None:
        dialog.get_by_role("textbox").fill(text)
    dialog.get_by_role("button", name=button, exact=True).click()


def rows(page: Page) -> Locator:
    """Return the lines of the list of jobs."""
    return page.locator("main .job-row")


def scrolls_sideways(page: Page) -> bool:
    """Tell whether something is wider than the window."""
    wide: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wide

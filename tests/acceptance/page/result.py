"""The result of a job as a person finds it on the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.page.conftest import OpenPage
from tests.acceptance.service import Service

# A step of the screen, in seconds of the clip, and what a player rounds.
NEAR_S = 0.12
# A busy machine takes its time.
LIMIT_S = 180
MINUS = "\N{MINUS SIGN}"


def score(service: Service, path: Path, kind: str = "video", **options: Any) -> dict[str, Any]:
    """Upload and score a file, and return the ended job's document."""
    return service.end_of(service.submit(path, kind, **options), LIMIT_S)


def open_result(open_page: OpenPage, document: dict[str, Any], **look: Any) -> Page:
    """Open the page of an ended job and wait until its plots are drawn, if it has any."""
    page = open_page(f"#/jobs/{document['job_id']}", **look)
    expect(page.locator(".findings")).to_be_visible()
    if any(window["probabilities"] for window in document["windows"]):
        expect(page.locator(".timeline .plot svg").first).to_be_visible()
        expect(page.locator(".affect-plane .plot svg").first).to_be_visible()
    return page


def see_all(page: Page) -> None:
    """Scroll to the end as a reader does, so that everything is fetched, and back."""
    for name in ("face", "seen"):
        panel = page.locator(f".findings .{name}")
        if panel.is_visible():
            panel.scroll_into_view_if_needed()
    if page.locator(".findings .face").is_visible():
        expect(page.locator(".face .note")).to_contain_text("usable face")
    page.evaluate("window.scrollTo(0, 0)")


def moment(page: Page) -> Locator:
    """Return the slider over the timeline."""
    return page.get_by_role("slider", name="Moment of the clip", exact=True)


def time_of(page: Page) -> float:
    """Return the time that the slider says, in seconds."""
    return float(moment(page).get_attribute("aria-valuenow") or "nan")


def clip_time(page: Page) -> float:
    """Return the time that the player is at, in seconds."""
    found: float = page.locator(".findings video").evaluate("(video) => video.currentTime")
    return found


def cursor_time(page: Page) -> float:
    """Return the time at which the cursor is drawn on the timeline, in seconds."""
    share: float = moment(page).evaluate(
        """(layer) => {
            const box = layer.getBoundingClientRect();
            return (layer.querySelector(".cursor").getBoundingClientRect().left - box.left) / box.width;
        }"""
    )
    return share * float(moment(page).get_attribute("aria-valuemax") or "nan")


def percent(share: float, digits: int = 0) -> str:
    """Return a share as the page writes it."""
    return f"{share * 100:.{digits}f} %"


def signed(level: float) -> str:
    """Return valence or arousal as the page writes it."""
    text = f"{abs(level):.2f}"
    return text if float(text) == 0 else f"{MINUS if level < 0 else '+'}{text}"

"""What a page must keep to so that everybody can use it, as axe-core checks it."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Page

# WCAG 2.2 A and AA, and the good practice beside it: landmarks, headings, one main part.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """Return what is wrong, one line a rule and element; colours are taken as they are at rest."""
    page.emulate_media(reduced_motion="reduce")
    page.mouse.move(0, 0)
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}}).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]
    ]

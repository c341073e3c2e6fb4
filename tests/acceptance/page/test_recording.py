"""Recording with the camera and microphone that Chromium makes up."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.page.conftest import SCORING_MS, OpenPage
from tests.acceptance.page.rules import violations
from tests.acceptance.page.steps import badge, job_of
from tests.acceptance.service import Service

# Clips are scored within these tests, however busy the machine is.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RECORD_MS = 3_000
# How many cameras and microphones the page still holds.
LIVE_TRACKS = """
window.held.flatMap((stream) => stream.getTracks()).filter((track) => track.readyState === 'live').length
"""
WATCH = """
window.held = [];
const media = navigator.mediaDevices;
const ask = media.getUserMedia.bind(media);
media.getUserMedia = async (wanted) => {
  const stream = await ask(wanted);
  window.held.push(stream);
  return stream;
};
"""
REFUSE = (
    "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); }"
)


def open_recorder(page: Page, script: str) -> None:
    """Open the recorder on a page where ``script`` ran first."""
    page.add_init_script(script)
    page.reload()
    page.get_by_role("button", name="Record").click()


@pytest.mark.parametrize(
    ("button", "kind"), [("Camera and microphone", "video"), ("Microphone alone", "audio")]
)
def test_a_recording_becomes_a_job(page: Page, service: Service, button: str, kind: str) -> None:
    """What was recorded can be looked at, used and scored; camera and microphone are let go of."""
    open_recorder(page, WATCH)
    page.get_by_role("button", name=button).click()
    expect(page.get_by_text("Recording", exact=True)).to_be_visible()
    page.wait_for_timeout(RECORD_MS)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_label("Your recording")).to_be_visible()
    assert page.evaluate(LIVE_TRACKS) == 0
    assert violations(page) == []
    page.get_by_role("button", name="Use this recording").click()
    expect(page.get_by_label("Chosen clips")).to_contain_text("recording-")
    page.get_by_role("button", name="Score").click()
    page.wait_for_url(re.compile("#/jobs/"))
    # The test picture has no face and the test sound is no voice: whatever the end is, it is an end.
    expect(badge(page)).to_have_text(re.compile("Done|Failed"), timeout=SCORING_MS)
    document = service.end_of(job_of(page))
    assert document["options"][f"{kind}_id"] is not None
    assert document["media"]["duration_s"] == pytest.approx(RECORD_MS / 1000, abs=2)


def test_a_recording_is_discarded(page: Page) -> None:
    """Discarding while it records stops camera and microphone, and nothing is kept."""
    open_recorder(page, WATCH)
    page.get_by_role("button", name="Camera and microphone").click()
    page.get_by_role("button", name="Discard").click()
    assert page.evaluate(LIVE_TRACKS) == 0
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_role("button", name="Choose files")).to_be_visible()


def test_leaving_lets_go(page: Page) -> None:
    """Going elsewhere on the page stops camera and microphone."""
    open_recorder(page, WATCH)
    page.get_by_role("button", name="Camera and microphone").click()
    expect(page.get_by_text("Recording", exact=True)).to_be_visible()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    assert page.evaluate(LIVE_TRACKS) == 0


def test_permission_is_refused(open_page: OpenPage) -> None:
    """Where the camera is refused a sentence says so, and how to go on."""
    page = open_page()
    open_recorder(page, REFUSE)
    page.get_by_role("button", name="Camera and microphone").click()
    expect(page.get_by_role("alert")).to_contain_text("was not allowed to use the camera")
    expect(page.get_by_role("button", name="Microphone alone")).to_be_visible()

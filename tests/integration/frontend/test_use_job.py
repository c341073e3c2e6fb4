"""docs/frontend/useJob.js in the real React and Chromium, at a page of another origin than the real API's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Engine

from shared.tables import JobStatus
from tests.integration.api.batches.conftest import succeed
from tests.integration.api.conftest import video
from tests.integration.api.rows import add_segment, change
from tests.integration.frontend.conftest import Page, Server

LONG_S = 120


@pytest.fixture
def job(server: Server, key: str) -> dict[str, Any]:
    """A job that waits to be done."""
    with httpx.Client(
        base_url=f"http://127.0.0.1:{server.port}", headers={"Authorization": key}, trust_env=False
    ) as http:
        video_id = http.post("/upload/video", content=video()).json()["id"]
        made: dict[str, Any] = http.post("/predict", json={"video_id": video_id}).json()
    return made


def test_a_job_is_followed_to_its_end(page: Page, job: dict[str, Any], engine: Engine) -> None:
    """The hook tells each change and nothing else, gets 304s between them, and stops at the end."""
    page.watch(job["job_id"])
    page.wait_for("last.status === 'queued'")
    for _ in range(3):
        page.pass_time(1)
    assert 304 in page.answered
    add_segment(engine, UUID(job["job_id"]))
    page.wait_for("last.status === 'running' && last.windows === 2")
    change(engine, UUID(job["job_id"]), status=JobStatus.SUCCEEDED)
    page.wait_for("last.status === 'succeeded'")
    statuses = [each["status"] for each in page.seen()]
    assert [s for i, s in enumerate(statuses) if i == 0 or s != statuses[i - 1]] == [
        *(None, "queued", "running", "succeeded")
    ]
    assert [each["error"] for each in page.seen() if each["error"]] == []
    page.assert_quiet()


def test_a_server_that_restarts_is_waited_for(page: Page, server: Server, job: dict[str, Any]) -> None:
    """While the server is away the hook says so, keeps what it knows, and goes on when it is back."""
    page.watch(job["job_id"])
    page.wait_for("last.status === 'queued'")
    server.stop()
    page.wait_for("last.error === 'TypeError' && last.status === 'queued'")
    server.start()
    page.pass_time(LONG_S)
    page.wait_for("last.error === null && last.status === 'queued'")


def test_a_component_that_goes_stops_asking(page: Page, job: dict[str, Any]) -> None:
    """Once it is unmounted, the hook asks no more."""
    page.watch(job["job_id"])
    page.wait_for("last.status === 'queued'")
    page.show(None)
    page.assert_quiet()


@pytest.mark.slow
def test_a_hidden_tab_does_not_ask(page: Page, job: dict[str, Any], engine: Engine) -> None:
    """In a hidden tab the hook pauses; when the tab is shown it asks at once."""
    page.watch(job["job_id"])
    page.wait_for("last.status === 'queued'")
    page.hide(hidden=True)
    # One may be on its way.
    page.pass_time(1)
    page.assert_quiet()
    succeed(engine, job)
    page.hide(hidden=False)
    page.wait_for("last.status === 'succeeded'")


@pytest.mark.slow
def test_another_job(page: Page, job: dict[str, Any]) -> None:
    """With another address the hook forgets the job before; what is not there is told once, with its code."""
    page.watch(job["job_id"])
    page.wait_for("last.status === 'queued'")
    page.watch("00000000-0000-0000-0000-000000000001")
    page.wait_for("last.error === 'not_found' && last.status === null")
    page.assert_quiet()


@pytest.mark.slow
def test_a_wrong_key(page: Page, job: dict[str, Any]) -> None:
    """A key that is not valid is told as such, not as a failure of the network."""
    page.key = "Bearer wrong"
    page.watch(job["job_id"])
    page.wait_for("last.error === 'unauthorized'")


def test_a_clip_is_scored(page: Page, engine: Engine, key: str) -> None:
    """The component uploads a file, starts its job, shows how far it is, and its result."""
    tab = page.page
    page.show("ScoreClip", api=page.api, authorization=key)
    clip = {"name": "clip.mp4", "mimeType": "video/mp4", "buffer": video() * 1000}
    tab.get_by_label("Clip").set_input_files(clip)
    tab.get_by_role("status").get_by_text("queued").wait_for()
    assert tab.get_by_role("progressbar").get_attribute("value") == "0"
    with httpx.Client(base_url=page.api, headers={"Authorization": key}, trust_env=False) as http:
        [made] = http.get("/jobs").json()["jobs"]
    succeed(engine, made)
    page.pass_time(2)
    tab.get_by_text("anger: 75 %").wait_for()
    assert tab.get_by_role("progressbar").count() == 0


@pytest.mark.slow
def test_a_clip_is_refused_and_a_job_cancelled(page: Page, key: str) -> None:
    """The component says why a file is refused, and cancels a job."""
    tab = page.page
    page.show("ScoreClip", api=page.api, authorization=key)
    nothing = {"name": "clip.mp4", "mimeType": "video/mp4", "buffer": b"no clip at all"}
    tab.get_by_label("Clip").set_input_files(nothing)
    tab.get_by_role("alert").get_by_text("/upload/video takes MP4").wait_for()
    tab.get_by_label("Clip").set_input_files({**nothing, "buffer": video()})
    tab.get_by_role("status").get_by_text("queued").wait_for()
    tab.get_by_role("button", name="Cancel").click()
    page.pass_time(2)
    tab.get_by_role("status").get_by_text("cancelled").wait_for()
    assert tab.get_by_role("alert").count() == 0


@pytest.mark.slow
def test_other_origins(page: Page, server: Server, job: dict[str, Any]) -> None:
    """From an origin that is not listed, the browser lets nothing through."""
    address = f"http://127.0.0.1:{server.port}/jobs/{job['job_id']}"
    page.page.goto("data:text/html,<title>elsewhere</title>")
    asked = "([url, key]) => fetch(url, { headers: { Authorization: key } }).catch((error) => error.name)"
    assert page.page.evaluate(asked, [address, page.key]) == "TypeError"

"""The page while things go wrong, or go on elsewhere."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import media_factory
from tests.acceptance.page.conftest import OpenPage
from tests.acceptance.page.steps import answer_dialog, await_status, badge, choose, send
from tests.acceptance.service import Service

# Clips are scored within these tests, however busy the machine is.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_api_is_restarted_in_mid_job(open_page: OpenPage, service: Service, long_clip: Path) -> None:
    """While the API is away the page says so in a sentence, and goes on by itself when it is back."""
    page = open_page()
    job_id = send(page, long_clip)
    expect(badge(page)).to_have_text("Running")
    # Cut off for long enough to be noticed, and killed meanwhile: its supervisor starts another.
    api = service.pid("api")
    page.context.set_offline(True)
    expect(page.get_by_role("status").filter(has_text="The server cannot be reached")).to_be_visible()
    os.kill(api, signal.SIGKILL)
    page.context.set_offline(False)
    await_status(page, "Done")
    expect(page.get_by_text("The server cannot be reached")).to_be_hidden()
    assert service.pid("api") != api
    service.assert_scored_once(service.end_of(job_id))


def test_an_upload_outlives_a_restart(open_page: OpenPage, service: Service, tmp_path: Path) -> None:
    """An upload that the API's death breaks off is sent again, and becomes one job."""
    big = padded(tmp_path / "big.mp4", 60_000_000)
    page = open_page()
    session = page.context.new_cdp_session(page)
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 20_000_000},
    )
    choose(page, big)
    page.get_by_role("button", name="Score").click()
    expect(page.get_by_label("Uploads")).to_contain_text(re.compile(r"[1-9]\d? % of 60"))
    os.kill(service.pid("api"), signal.SIGKILL)
    expect(page.get_by_label("Uploads")).to_contain_text("Trying again")
    page.wait_for_url(re.compile("#/jobs/"), timeout=60_000)
    await_status(page, "Done")
    assert len(service.http.get("/jobs").json()["jobs"]) == 1


def test_two_tabs(open_page: OpenPage, service: Service, long_clip: Path) -> None:
    """Two tabs show the same job; what is done in one is seen in the other."""
    first = open_page()
    job_id = send(first, long_clip)
    second = first.context.new_page()
    second.goto(f"/#/jobs/{job_id}")
    expect(badge(second)).to_have_text("Running")
    first.get_by_role("button", name="Cancel").click()
    await_status(first, "Cancelled")
    await_status(second, "Cancelled")
    second.get_by_role("button", name="Try again").click()
    await_status(second, "Done")
    first.reload()
    await_status(first, "Done")
    first.get_by_role("button", name="Delete").click()
    answer_dialog(first, "Delete")
    expect(first.get_by_role("heading", level=1)).to_have_text("History")
    second.reload()
    expect(second.get_by_role("heading", level=1)).to_have_text("There is no such job")
    assert service.http.get(f"/jobs/{job_id}").status_code == 404


def test_a_hundred_megabytes(open_page: OpenPage, service: Service, tmp_path: Path) -> None:
    """A file of 100 MB goes through; another, cancelled on its way, leaves nothing."""
    big = padded(tmp_path / "big.mp4", 100_000_000)
    page = open_page()
    choose(page, big)
    expect(page.get_by_label("Chosen clips")).to_contain_text("100 MB")
    page.get_by_role("button", name="Score").click()
    page.wait_for_url(re.compile("#/jobs/"), timeout=90_000)
    await_status(page, "Done")
    session = page.context.new_cdp_session(page)
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 10_000_000},
    )
    page.get_by_role("link", name="New").click()
    choose(page, padded(tmp_path / "other.mp4", 90_000_000))
    page.get_by_role("button", name="Score").click()
    order = page.get_by_label("Uploads").get_by_role("article")
    expect(order).to_contain_text(re.compile(r"[1-9]\d? % of 90"))
    order.get_by_role("button", name="Cancel upload").click()
    expect(order).to_contain_text("Cancelled")
    assert len(service.http.get("/jobs").json()["jobs"]) == 1


def test_a_job_that_fails(open_page: OpenPage, service: Service, tmp_path: Path) -> None:
    """A clip that cannot be decoded ends in the sentence of its error, with a way to try again."""
    page = open_page()
    job_id = send(page, media_factory.undecodable(tmp_path / "damaged.mp4"))
    await_status(page, "Failed")
    error = service.end_of(job_id)["error"]
    expect(page.get_by_text(error["message"])).to_be_visible()
    expect(page.get_by_role("link", name=error["code"])).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def padded(path: Path, size_bytes: int) -> Path:
    """Write a clip of a face that is as large as asked: a box that players pass over follows its own."""
    media_factory.face_video(path, duration_s=2)
    with path.open("ab") as stream:
        left = size_bytes - stream.tell()
        stream.write(left.to_bytes(4, "big") + b"free")
        stream.truncate(size_bytes)
    return path

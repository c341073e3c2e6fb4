"""History and batches, also when there is very much of them."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bench.history_rows import add_history
from tests.acceptance.page.conftest import SCORING_MS, OpenPage
from tests.acceptance.page.rules import violations
from tests.acceptance.page.steps import answer_dialog, choose, rows, scrolls_sideways
from tests.acceptance.service import Service

# Clips are scored within these tests, however busy the machine is.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MANY = 10_000
BATCH = re.compile(r"#/batches/([0-9a-f-]{36})")


def test_ten_thousand_jobs(open_page: OpenPage, service: Service) -> None:
    """However long the history is, the page shows a part of it, and pages, filters and deletes."""
    add_history(service.engine, MANY)
    page = open_page("#/history")
    expect(rows(page)).to_have_count(50)
    expect(rows(page).first).to_contain_text("clip 09999.mp4")
    page.get_by_role("link", name="Older").click()
    expect(rows(page).first).to_contain_text("clip 09949.mp4")
    page.reload()
    expect(rows(page).first).to_contain_text("clip 09949.mp4")
    page.go_back()
    expect(rows(page).first).to_contain_text("clip 09999.mp4")
    page.get_by_label("Show").select_option("Failed")
    expect(rows(page).first).to_contain_text("clip 09993.mp4")
    expect(rows(page).first).to_contain_text("No face was found")
    expect(rows(page)).to_have_count(50)
    for box in rows(page).get_by_role("checkbox").all()[:3]:
        box.check()
    page.get_by_role("button", name="Delete 3 jobs").click()
    answer_dialog(page, "Delete")
    expect(rows(page).first).to_contain_text("clip 09963.mp4")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280, 3840])
def test_lists_fit_and_can_be_read(open_page: OpenPage, service: Service, width: int, theme: str) -> None:
    """History, batches and the start beside them fit every screen, and axe-core finds no barrier."""
    batch_id = service.http.post("/batches", json={"name": "Clips of an evening"}).json()["batch_id"]
    add_history(service.engine, 20, batch_id=batch_id)
    page = open_page("#/history", width=width, height=max(740, width * 9 // 16), theme=theme)
    for route, count in (("#/history", 20), ("", 6), (f"#/batches/{batch_id}", 20), ("#/batches", 0)):
        page.goto(f"/{route}")
        if count:
            expect(rows(page)).to_have_count(count)
        else:
            expect(page.get_by_role("link", name="Clips of an evening")).to_be_visible()
        assert not scrolls_sideways(page), route
        assert violations(page) == [], route


def test_jobs_that_cannot_be_deleted(open_page: OpenPage, service: Service) -> None:
    """That some were not deleted is still said when the list has been read again."""
    add_history(service.engine, 3)
    page = open_page("#/history")
    answer = {"status": 503, "content_type": "application/problem+json", "body": "{}"}
    page.route("**/jobs/*", lambda route: route.fulfill(**answer))
    expect(rows(page)).to_have_count(3)
    for box in rows(page).get_by_role("checkbox").all()[:2]:
        box.check()
    page.get_by_role("button", name="Delete 2 jobs").click()
    with page.expect_response(re.compile(r"/jobs\?")):
        answer_dialog(page, "Delete")
    page.wait_for_timeout(500)
    expect(page.get_by_text("2 jobs could not be deleted.")).to_be_visible()
    expect(rows(page)).to_have_count(3)


def test_untrained_models_are_marked(open_page: OpenPage, service: Service) -> None:
    """A prediction of an untrained model is never shown without saying so."""
    add_history(service.engine, 10)
    page = open_page("#/history")
    expect(rows(page)).to_have_count(10)
    untrained = [job for job in service.http.get("/jobs").json()["jobs"] if not job["model"]["trained"]]
    shown = [job for job in untrained if job["summary"]]
    assert shown
    expect(page.get_by_text("Untrained", exact=True)).to_have_count(len(shown))
    page.goto("/")
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("Model").select_option("videomae-tiny-untrained")
    expect(page.get_by_text("This model has not been trained")).to_be_visible()


def test_several_files_become_a_batch(page: Page, service: Service, clip: Path, tmp_path: Path) -> None:
    """Files chosen together are one batch: a bad one is told and stops nothing; the table can be saved."""
    bad = tmp_path / "notes.mp4"
    bad.write_text("These are no media.")
    choose(page, clip, bad)
    page.get_by_label("Name of the batch").fill("Two clips")
    page.get_by_role("button", name="Score 2 clips as a batch").click()
    page.wait_for_url(BATCH)
    expect(page.get_by_label("Uploads")).to_contain_text("1 file could not be taken")
    expect(page.get_by_label("Uploads")).to_contain_text("notes.mp4")
    expect(page.get_by_role("heading", name="Two clips")).to_be_visible()
    expect(page.get_by_text("finished")).to_be_visible(timeout=SCORING_MS)
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text(clip.name)
    # Chromium would open the system's own dialog for where to save, which no test can answer.
    page.evaluate("delete window.showSaveFilePicker")
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    table = list(csv.DictReader(Path(saved.value.path()).read_text().splitlines()))
    assert [row["path"] for row in table] == [clip.name]
    assert table[0]["status"] == "succeeded"
    found = BATCH.search(page.url)
    assert found is not None
    page.get_by_role("button", name="Delete").click()
    answer_dialog(page, "Delete")
    expect(page.get_by_text("There are no batches yet.")).to_be_visible()
    assert service.http.get(f"/batches/{found[1]}").status_code == 404

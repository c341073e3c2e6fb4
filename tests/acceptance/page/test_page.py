"""The page as a person meets it: the tests that `make test` always runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.page.conftest import OpenPage
from tests.acceptance.page.rules import violations
from tests.acceptance.page.steps import (
    JOB,
    answer_dialog,
    await_status,
    choose,
    drop,
    job_of,
    rows,
    scrolls_sideways,
    send,
)
from tests.acceptance.service import Service


def test_a_clip_becomes_a_result(page: Page, service: Service, clip: Path) -> None:
    """A clip is chosen, sent and watched, the page is loaded anew in mid-job, and the result is shown."""
    job_id = send(page, clip)
    expect(page.get_by_role("heading", level=1)).to_have_text(clip.name)
    page.reload()
    assert job_of(page) == job_id
    await_status(page, "Done")
    expect(page.get_by_role("heading", level=1)).to_have_text(clip.name)
    summary = service.end_of(job_id)["summary"]
    expect(page.get_by_label("Result", exact=True).first).to_contain_text(summary["emotion"].capitalize())
    page.get_by_role("link", name="History").click()
    line = rows(page)
    expect(line).to_have_count(1)
    expect(line).to_contain_text(clip.name)
    expect(line).to_contain_text(summary["emotion"].capitalize())


def test_bad_files(page: Page, service: Service, tmp_path: Path) -> None:
    """Files that are empty, no media, or too large are refused beside their name in the server's words."""
    empty, text = tmp_path / "empty.mp4", tmp_path / "notes.mp4"
    empty.touch()
    text.write_text("These are no media.")
    huge = tmp_path / "huge.mp4"
    with huge.open("wb") as stream:
        stream.truncate(service.settings.max_upload_bytes + 1)
    choose(page, empty)
    expect(page.get_by_label("Chosen clips")).to_contain_text("This file is empty.")
    expect(page.get_by_role("button", name="Score")).to_be_disabled()
    page.get_by_role("button", name="Clear").click()
    choose(page, huge)
    expect(page.get_by_label("Chosen clips")).to_contain_text("this server takes up to 110 MB")
    expect(page.get_by_role("button", name="Score")).to_be_disabled()
    page.get_by_role("button", name="Clear").click()
    choose(page, text)
    page.get_by_role("button", name="Score").click()
    order = page.get_by_label("Uploads").get_by_role("article")
    expect(order).to_contain_text("notes.mp4")
    refused = service.http.post("/upload/video", content=text.read_bytes()).json()
    expect(order).to_contain_text(refused["detail"])
    order.get_by_role("button", name="Dismiss").click()
    expect(order).to_have_count(0)
    assert service.http.get("/jobs").json()["jobs"] == []


def test_options_are_sent(page: Page, service: Service, clip: Path) -> None:
    """What was chosen is the request: model, window, step and alerts; what is out of bounds is not sent."""
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("Model").select_option("videomae-tiny-untrained")
    expect(page.get_by_text("This model has not been trained")).to_be_visible()
    page.get_by_label("Window, s").fill("1")
    page.get_by_label("Step, s").fill("0.01")
    page.get_by_role("button", name="Add an alert").click()
    page.get_by_label("Watch").select_option("Arousal")
    page.get_by_label("Direction").select_option("under")
    page.get_by_label("Bound").fill("-0.5")
    page.get_by_label("Seconds").fill("3")
    drop(page, clip)
    page.get_by_role("button", name="Score").click()
    assert page.get_by_label("Step, s").evaluate("field => field.validity.rangeUnderflow") is True
    page.get_by_label("Step, s").fill("0.5")
    page.get_by_role("button", name="Score").click()
    page.wait_for_url(JOB)
    options = service.http.get(f"/jobs/{job_of(page)}").json()["options"]
    assert (options["model"], options["window_s"], options["stride_s"]) == ("videomae-tiny-untrained", 1, 0.5)
    assert options["rules"] == [{"when": "arousal", "over": None, "under": -0.5, "for_s": 3}]


@pytest.mark.parametrize(("width", "theme"), [(360, "light"), (1280, "dark")])
def test_the_start_fits_and_can_be_read(open_page: OpenPage, width: int, theme: str) -> None:
    """On a phone and a laptop, in light and in dark, nothing is cut off and axe-core finds no barrier."""
    page = open_page(width=width, theme=theme)
    page.get_by_text("Options", exact=True).click()
    expect(page.get_by_text("test samples")).to_be_visible()
    page.get_by_role("button", name="Add an alert").click()
    assert not scrolls_sideways(page)
    assert violations(page) == []


def test_keyboard_alone(page: Page, clip: Path) -> None:
    """Somebody without a mouse gets past the navigation, to the files, and through the options."""
    # Playwright begins to catch choosers with the first listener: too late for a key that is down already.
    page.on("filechooser", lambda _: None)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose files")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(str(clip))
    expect(page.get_by_role("button", name="Score")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Clear")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Model")).to_be_visible()


def test_delete_everything(page: Page, service: Service, clip: Path) -> None:
    """Everything goes after a question and a typed word, and not before."""
    job_id = service.submit(clip)
    page.goto("/#/history")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Delete everything").click()
    answer_dialog(page, "Cancel")
    page.get_by_role("button", name="Delete everything").click()
    answer_dialog(page, "Go on")
    really = page.get_by_role("dialog").get_by_role("button", name="Delete everything")
    expect(really).to_be_disabled()
    assert service.http.get(f"/jobs/{job_id}").status_code == 200
    answer_dialog(page, "Delete everything", "delete everything")
    expect(page.get_by_text("Nothing has been scored yet.")).to_be_visible()
    assert service.http.get(f"/jobs/{job_id}").status_code == 404

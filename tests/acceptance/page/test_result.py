"""A result as a person reads it: the tests that `make test` always runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.acceptance.page.conftest import OpenPage
from tests.acceptance.page.result import (
    NEAR_S,
    clip_time,
    cursor_time,
    moment,
    open_result,
    percent,
    score,
    see_all,
    signed,
    time_of,
)
from tests.acceptance.page.rules import violations
from tests.acceptance.page.steps import scrolls_sideways
from tests.acceptance.service import Service
from tests.servers import wait_until

# One that holds in each window, and one that never does.
RULES = [{"when": "neutral", "over": 0}, {"when": "valence", "under": -1}]


@pytest.fixture(scope="module")
def document(service: Service, clip: Path) -> Iterator[dict[str, Any]]:
    """A clip that was scored once for all of these tests."""
    yield score(service, clip, window_s=1, rules=RULES)
    service.http.delete("/jobs", params={"all": "true"})


@pytest.fixture(autouse=True)
def _emptied() -> None:
    """Leave the clip to the next test."""


def test_the_result_is_the_document(open_page: OpenPage, document: dict[str, Any]) -> None:
    """Emotion, probabilities, valence, arousal, model, warnings and alerts are those of the document."""
    page = open_result(open_page, document)
    summary, verdict = document["summary"], page.locator(".findings .verdict")
    expect(verdict.locator(".named")).to_have_text(summary["emotion"].capitalize())
    expect(verdict.locator(".confidence")).to_contain_text(percent(summary["confidence"]))
    expect(verdict.locator(".bars li")).to_have_text(
        [
            f"{label.capitalize()}{percent(share, 1)}"
            for label, share in sorted(summary["probabilities"].items(), key=lambda each: -each[1])
        ]
    )
    expect(verdict.locator(".gauge").first).to_contain_text(f"Valence {signed(summary['valence'])}")
    expect(verdict.locator(".gauge").last).to_contain_text(f"Arousal {signed(summary['arousal'])}")
    for place in (verdict, page.locator(".affect-plane")):
        expect(place).to_contain_text("Estimated from the emotion classes")
    made = page.locator(".findings .provenance")
    for text in (document["model"]["id"], "trained", document["analyzer"]["name"], "Face and voice"):
        expect(made).to_contain_text(text)
    expect(made).to_contain_text(f"{percent(document['model']['metrics']['war'])} of ")
    for warning in document["warnings"]:
        expect(page.locator(f'.warnings [data-code="{warning["code"]}"]')).to_have_text(warning["message"])
    alerts = page.locator(".findings .alerts")
    assert {alert["rule"] for alert in document["alerts"]} == {0}
    expect(alerts.locator(".watched").first.get_by_role("button")).to_have_count(len(document["alerts"]))
    expect(alerts.locator(".watched").last).to_contain_text("It never held.")
    expect(page.locator(".bands .band")).to_have_count(len(document["alerts"]))


def test_one_moment_everywhere(open_page: OpenPage, document: dict[str, Any]) -> None:
    """The cursor goes along with the clip as it plays; click, drag and keys on the timeline move the clip."""
    page = open_result(open_page, document)
    video, slider = page.locator(".findings video"), moment(page)
    expect(page.locator(".moment h2")).to_have_text("Window 0:00 to 0:01")
    wait_until(lambda: video.evaluate("(video) => video.readyState >= 2"))
    video.evaluate("(video) => { video.muted = true; return video.play(); }")
    wait_until(lambda: clip_time(page) > 1.2)
    video.evaluate("(video) => video.pause()")
    page.wait_for_timeout(100)
    assert abs(cursor_time(page) - clip_time(page)) < NEAR_S
    assert abs(time_of(page) - clip_time(page)) < NEAR_S
    box = slider.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.625 * box["width"], box["y"] + 20)
    assert abs(time_of(page) - 2.5) < NEAR_S
    page.wait_for_timeout(200)
    assert abs(clip_time(page) - 2.5) < NEAR_S
    expect(page.locator(".moment h2")).to_have_text("Window 0:02 to 0:03")
    slider.focus()
    for key, time_s in (("ArrowRight", 3), ("ArrowLeft", 2), ("Home", 0), ("End", 4), ("PageDown", 3.6)):
        page.keyboard.press(key)
        assert abs(time_of(page) - time_s) < NEAR_S, key
    assert "Window 0:03 to 0:04" in page.locator(".moment h2").inner_text()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 20, steps=4)
    page.mouse.up()
    assert abs(time_of(page) - 0.8) < NEAR_S


@pytest.mark.parametrize(
    ("width", "theme"),
    [
        (360, "dark"),
        pytest.param(1280, "light", marks=pytest.mark.slow),
        pytest.param(360, "light", marks=pytest.mark.slow),
        pytest.param(1280, "dark", marks=pytest.mark.slow),
        pytest.param(3840, "light", marks=pytest.mark.slow),
        pytest.param(3840, "dark", marks=pytest.mark.slow),
    ],
)
def test_a_result_fits_and_can_be_read(
    open_page: OpenPage, document: dict[str, Any], width: int, theme: str
) -> None:
    """From a phone to 4K, in dark and in light, nothing is cut off and axe-core finds no barrier."""
    page = open_result(open_page, document, width=width, theme=theme)
    see_all(page)
    page.get_by_text("as a table").click()
    assert not scrolls_sideways(page)
    assert violations(page) == []

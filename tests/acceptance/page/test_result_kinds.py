"""Results of all kinds: what is missing, meaningless, long, gone or unplayable is said where it is seen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from shared.tables import Upload
from tests import media_factory
from tests.acceptance.page.conftest import OpenPage
from tests.acceptance.page.hour import write_hour
from tests.acceptance.page.result import NEAR_S, moment, open_result, score, see_all, time_of
from tests.acceptance.page.rules import violations
from tests.acceptance.service import Service
from tests.servers import wait_until

pytestmark = pytest.mark.slow


def test_untrained(open_page: OpenPage, service: Service, clip: Path) -> None:
    """Nothing that an untrained model says looks like a result: it is marked wherever its numbers are."""
    page = open_result(open_page, score(service, clip, model="videomae-tiny-untrained"), theme="dark")
    expect(page.get_by_role("note")).to_contain_text("Untrained model.")
    expect(page.locator(".verdict .named")).to_have_css("text-decoration-line", "line-through")
    expect(page.locator(".verdict .mark.bad")).to_have_text("NOT trained")
    for place in (".moment", ".timeline"):
        expect(page.locator(f"{place} .mark.bad")).to_have_text("untrained: means nothing")
    for place in (".verdict .affect", ".affect-plane"):
        expect(page.locator(place)).to_contain_text("Untrained: these numbers mean nothing")
    see_all(page)
    assert violations(page) == []


def test_a_face_that_leaves(open_page: OpenPage, service: Service, tmp_path: Path) -> None:
    """Curves break where there is no face, what is not estimated is named, the face is drawn on the clip."""
    document = score(service, media_factory.face_video(tmp_path / "leaves.mp4", duration_s=4, shown=0.5))
    page = open_result(open_page, document)
    see_all(page)
    panel = page.locator(".findings .face")
    expect(panel.locator(".plot svg").first).to_be_visible()
    curves = panel.locator(".plot").evaluate("(plot) => plot.data.map(({name, y}) => [name, y])")
    units = {name: levels for name, levels in curves if name.startswith("AU")}
    assert units
    for levels in units.values():
        assert all(level is not None for level in levels[:40]), "seen"
        assert all(level is None for level in levels[-40:]), "not seen, and not 0"
    expect(panel.locator(".absentees")).to_contain_text("Not estimated by landmarker: AU09 (nose wrinkler)")
    expect(panel.get_by_role("button", name=re.compile("^AU09"))).to_have_count(0)
    drawn = page.locator("canvas.overlay")
    expect(drawn).to_have_attribute("data-drawn", "true")
    moment(page).focus()
    page.keyboard.press("End")
    expect(drawn).to_have_attribute("data-drawn", "false")
    expect(page.locator(".absent")).to_be_visible()
    before = len(curves)
    panel.get_by_role("button", name="Gaze").click()
    wait_until(lambda: panel.locator(".plot").evaluate("(plot) => plot.data.length") == before + 2)
    assert "A face was found in only a part of the clip." in page.locator(".warnings").inner_text()


def test_a_voice_alone(open_page: OpenPage, service: Service, tmp_path: Path) -> None:
    """A voice has a player of its own, no face panel, and pictures of its sound."""
    voice = media_factory.audio(tmp_path / "voice.wav", wave=media_factory.voice(3))
    page = open_result(open_page, score(service, voice, "audio"))
    expect(page.locator(".findings audio")).to_be_visible()
    expect(page.locator(".findings .face")).to_be_hidden()
    expect(page.locator(".provenance")).to_contain_text("Voice alone")
    see_all(page)
    expect(page.get_by_role("img", name=re.compile("^Loudness by pitch"))).to_be_visible()
    expect(page.locator(".seen")).to_contain_text("Here there is no face")


def test_a_clip_that_browsers_cannot_play(open_page: OpenPage, service: Service, tmp_path: Path) -> None:
    """Where a browser cannot play a format it says so; a slider moves the moment, the face is drawn alone."""
    page = open_result(
        open_page, score(service, media_factory.face_video(tmp_path / "old.avi", duration_s=4))
    )
    expect(page.locator(".clip .note")).to_contain_text("This browser cannot play AVI files.")
    slider = page.get_by_role("slider", name="Moment of the clip, in seconds")
    slider.fill("3")
    assert abs(time_of(page) - 3) < NEAR_S
    expect(page.locator(".moment h2")).to_have_text("Window 0:02 to 0:04")
    see_all(page)
    drawn = page.locator("canvas.overlay")
    expect(drawn).to_have_attribute("data-drawn", "true")
    box = drawn.bounding_box()
    assert box is not None
    assert abs(box["width"] / box["height"] - 386 / 288) < 0.1
    assert violations(page) == []


def test_a_clip_that_is_gone(open_page: OpenPage, service: Service, clip: Path) -> None:
    """When the upload has expired its result is still shown, and the page says why there is no clip."""
    document = score(service, clip)
    with service.engine.begin() as connection:
        connection.execute(Upload.__table__.update().values(expires_at="2020-01-01T00:00:00Z"))
    page = open_result(open_page, document)
    expect(page.locator(".clip .note")).to_contain_text("The clip is not kept any more.")
    expect(page.locator(".slide")).to_be_visible()


def test_a_clip_behind_a_key(open_page: OpenPage, service: Service, clip: Path) -> None:
    """With a key the clip is fetched with it, since a player cannot send one, and plays from memory."""
    document = score(service, clip)
    page = open_page()
    page.evaluate("sessionStorage.setItem('avemotion-key', 'avm_any')")
    with page.expect_request(
        lambda request: request.url.endswith("/media/video") and request.method == "GET"
    ) as sent:
        page.goto(f"/#/jobs/{document['job_id']}")
        video = page.locator(".findings video")
        expect(video).to_have_attribute("src", re.compile("^blob:"))
    assert sent.value.headers["authorization"] == "Bearer avm_any"
    wait_until(lambda: video.evaluate("(video) => video.readyState >= 1"))


def test_an_hour(open_page: OpenPage, service: Service) -> None:
    """An hour is drawn in as many steps as a screen shows, its table comes in pages, its face on request."""
    page = open_result(open_page, service.http.get(f"/jobs/{write_hour(service)}").json())
    steps = page.locator(".timeline .plot").evaluate(
        "(plot) => Math.max(...plot.data.map(({x}) => x.length))"
    )
    assert steps <= 2 * 600
    expect(page.locator(".timeline figcaption")).to_contain_text("1,800 windows of 2 s")
    slider = moment(page)
    slider.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "59:56 of 1:00:00: Neutral, 67 %")
    page.get_by_role("button", name="Show less of the clip").click()
    expect(page.locator(".timeline .cursor")).to_have_js_property("hidden", value=False)
    page.get_by_text("1,800 windows as a table").click()
    expect(page.locator(".windows tbody tr")).to_have_count(50)
    page.get_by_role("button", name="Later").click()
    expect(page.get_by_text("Page 2 of 36")).to_be_visible()
    spans = page.locator(".alerts .spans li")
    expect(spans.first).to_be_visible()
    page.get_by_role("button", name=re.compile("Load the face track")).click()
    expect(page.locator(".face .note")).to_contain_text("one frame in 6 is shown here")
    levels = page.locator(".face .plot").evaluate("(plot) => plot.data[0].y")
    assert len(levels) <= 4600
    assert None in levels


def test_a_failure(open_page: OpenPage, service: Service, tmp_path: Path) -> None:
    """A job that failed shows its sentence and what may help, and nothing that looks like a result."""
    black = media_factory.video(tmp_path / "black.mp4", frames=50)
    document = score(service, black)
    page = open_result(open_page, document)
    failure = page.locator(".findings .failure")
    expect(failure).to_contain_text(document["error"]["message"])
    expect(failure).to_contain_text("Use a clip in which the face can be seen")
    for place in (".verdict", ".timeline", ".affect-plane"):
        expect(page.locator(f".findings {place}")).to_be_hidden()
    assert violations(page) == []


def test_while_it_runs(open_page: OpenPage, service: Service, long_clip: Path) -> None:
    """Windows are shown as they come, before there is a verdict."""
    job_id = service.submit(long_clip)
    page = open_page(f"#/jobs/{job_id}")
    expect(page.locator(".timeline .plot svg").first).to_be_visible(timeout=120_000)
    document = service.end_of(job_id, 180)
    expect(page.locator(".verdict .named")).to_have_text(
        document["summary"]["emotion"].capitalize(), timeout=60_000
    )
    expect(page.locator(".timeline figcaption")).to_contain_text(f"{len(document['windows'])} windows")

"""The chosen fusion, the whole way through real processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from shared.schemas.jobs import JobDocument
from tests import media_factory as make
from tests.acceptance.checkpoints import BUILTIN
from tests.acceptance.service import Service
from worker.audio.images import SHEET_GAP_PX

OTHERS = ("late", "hybrid")
# What each fusion's model says of itself, and the side of its pictures on the sheet.
WARNINGS = {"early": "untrained_model", "late": "untrained_model", "hybrid": "affect_from_classes"}
SIDES_PX = {"early": 96, "late": 96, "hybrid": 48}
# A model is loaded and traced when it is first asked for; only the default one is at start.
LOADING_LIMIT_S = 240


def silent(path: Path) -> Path:
    """Write a clip of a face whose sound is silence."""
    return make.face_video(path, duration_s=2, sound=np.zeros((96_000, 1), np.float32))


def faceless(path: Path) -> Path:
    """Write a clip with a voice whose picture shows nobody."""
    return make.face_video(path, duration_s=2, shown=0)


def voice(path: Path) -> Path:
    """Write a voice without a picture."""
    return make.audio(path, wave=make.voice(2))


@dataclass(frozen=True)
class Part:
    """A file that lacks a modality, and what a job has to say of it."""

    build: Callable[[Path], Path]
    name: str
    kind: str
    modality: str
    warnings: frozenset[str]


PARTS = {
    "a silent clip": Part(silent, "silent.mp4", "video", "video", frozenset({"silent_sound"})),
    "a voice alone": Part(voice, "voice.wav", "audio", "audio", frozenset()),
    "a clip of nobody": Part(faceless, "faceless.mp4", "video", "audio", frozenset({"no_face"})),
}


def pictures_of(service: Service, document: dict[str, Any], side: int) -> list[list[NDArray[np.uint8]]]:
    """Return the pictures of each window on a job's sheet."""
    answer = service.http.get(f"/jobs/{document['job_id']}/artifacts/sequence.png")
    sheet = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert sheet is not None
    height, width = sheet.shape[:2]
    step = side + SHEET_GAP_PX
    return [
        [sheet[y : y + side, x : x + side].astype(np.uint8) for x in range(0, width, step)]
        for y in range(0, height, step)
    ]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a face with a voice."""
    return make.face_video(tmp_path_factory.mktemp("media") / "clip.mp4", duration_s=2)


@pytest.mark.slow
@pytest.mark.parametrize("fusion", BUILTIN)
def test_a_clip_goes_through_each_fusion(service: Service, clip: Path, fusion: str) -> None:
    """The result names the fusion and the model that were chosen for it, and warns as that model does."""
    document = service.end_of(service.submit(clip, fusion=fusion, window_s=1), LOADING_LIMIT_S)

    service.assert_scored_once(document)
    JobDocument.model_validate(document)
    assert document["options"]["fusion"] == document["model"]["fusion"] == fusion
    assert document["options"]["model"] == document["model"]["id"] == BUILTIN[fusion]
    assert document["model"]["trained"] == (fusion == "hybrid")
    assert [warning["code"] for warning in document["warnings"]] == [WARNINGS[fusion]]
    assert [window["modalities"] for window in document["windows"]] == [["video", "audio"]] * 2
    assert sum(document["summary"]["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    sheet = pictures_of(service, document, SIDES_PX[fusion])
    assert [len(row) for row in sheet] == [16, 16]
    assert all(picture.any() for row in sheet for picture in row)


# Each fusion's own tests hide what is missing in every `make test`; here the whole service does.
@pytest.mark.slow
@pytest.mark.parametrize("fusion", OTHERS)
@pytest.mark.parametrize("part", PARTS)
def test_a_missing_modality_is_said_and_black(
    service: Service, tmp_path: Path, fusion: str, part: str
) -> None:
    """Without face or voice a window is scored from the other; the sheet is black where nothing is."""
    given = PARTS[part]
    job = service.submit(given.build(tmp_path / given.name), given.kind, fusion=fusion)

    document = service.end_of(job, LOADING_LIMIT_S)

    service.assert_scored_once(document)
    assert [window["modalities"] for window in document["windows"]] == [[given.modality]]
    assert document["modalities"] == [given.modality]
    assert {warning["code"] for warning in document["warnings"]} == {WARNINGS[fusion], *given.warnings}
    [row] = pictures_of(service, document, SIDES_PX[fusion])
    shown = ["audio" if picture.any() else None for picture in row[:8]]
    shown += ["video" if picture.any() else None for picture in row[8:]]
    assert shown == [name if name == given.modality else None for name in ["audio"] * 8 + ["video"] * 8]


@pytest.mark.slow
@pytest.mark.parametrize(("layout", "pictures"), [("random", 8), ("stacked", 4)])
def test_an_operators_layout_is_served(service: Service, clip: Path, layout: str, pictures: int) -> None:
    """A checkpoint of the operator's, of another layout and size, is found by its id and says its fusion."""
    document = service.end_of(service.submit(clip, model=f"with-{layout}"), LOADING_LIMIT_S)

    service.assert_scored_once(document)
    assert (document["options"]["fusion"], document["model"]["id"]) == ("early", f"with-{layout}")
    [row] = pictures_of(service, document, side=64)
    assert len(row) == pictures

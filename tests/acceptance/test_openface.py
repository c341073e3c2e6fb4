"""Jobs that OpenFace sees, through the whole service.

The program is a stand-in that counts the frames of the video it is given and says of each what the test
wants; everything around it is real.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGABRT
from typing import Any

import pytest

from tests import media_factory as make
from tests.acceptance.service import Service, running_service
from tests.acceptance.test_bad_input import FAILS
from tests.servers import wait_until
from tests.unit.faces.openface.installs import FakeInstall
from tests.unit.faces.openface.tables import table

# A service of its own, and many jobs; the analyzer by itself is tested in tests/unit/faces.
pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("counting_program.py")


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory) -> FakeInstall:
    """An OpenFace that sees a face in each frame."""
    folder = tmp_path_factory.mktemp("openface")
    made = FakeInstall.create(folder / "OpenFace", folder / "scratch")
    program = made.folder / "FeatureExtraction"
    program.rename(made.folder / "replay")
    program.write_text(f"#!{sys.executable}\n{PROGRAM.read_text()}")
    program.chmod(0o755)
    say_of_each_frame(made)
    return made


def say_of_each_frame(install: FakeInstall, **cells: object) -> None:
    """Let OpenFace see the same in each frame: a usual face unless told otherwise."""
    install.play()
    (install.folder / "same.csv").write_bytes(table([cells]))


def replay(install: FakeInstall, **play: Any) -> None:
    """Let OpenFace do as told, whatever the video."""
    install.play(**play)
    (install.folder / "same.csv").unlink()


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory, install: FakeInstall) -> Iterator[Service]:
    """A service whose media worker has OpenFace."""
    folder = tmp_path_factory.mktemp("service")
    settings = {"openface_dir": install.folder, "openface_license_accepted": True}
    with running_service(folder, **settings) as running:
        wait_until(lambda: len(running.http.get("/readyz").json()["analyzers"]) > 1)
        yield running


def rows_of(service: Service, document: dict[str, Any]) -> list[dict[str, str]]:
    answer = service.http.get(f"/jobs/{document['job_id']}/artifacts/faces.csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_a_result_says_what_saw_the_faces(seeing: Service, face_clip: Path) -> None:
    """The same clip through both: each result and each table comes from one analyzer, and says which."""
    seen = {name: seeing.score(face_clip, "video", analyzer=name) for name in ("openface", "landmarker")}

    for name, document in seen.items():
        assert document["status"] == "succeeded", document["error"]
        assert document["analyzer"]["name"] == document["options"]["analyzer"] == name
    assert seen["openface"]["analyzer"]["reliability"] is None
    assert seen["landmarker"]["analyzer"]["reliability"]["AU12_r"] > 0.8
    tables = {name: rows_of(seeing, document) for name, document in seen.items()}
    assert {row["AU12_r"] for row in tables["openface"]} == {"1.50"}
    assert len({row["AU12_r"] for row in tables["landmarker"]}) > 10
    assert tables["openface"][0].keys() == tables["landmarker"][0].keys()


@pytest.mark.parametrize("case", FAILS)
def test_bad_media_end_as_with_the_other_analyzer(
    seeing: Service, install: FakeInstall, tmp_path: Path, case: str
) -> None:
    """What cannot be scored ends in the same typed errors when OpenFace finds no face in it."""
    kind, build, name, expected = FAILS[case]
    say_of_each_frame(install, success=0, confidence=0)
    try:
        document = seeing.score(build(tmp_path / name), kind, analyzer="openface")
    finally:
        say_of_each_frame(install)

    assert document["status"] == "failed"
    assert document["error"]["code"] in expected
    assert "Traceback" not in document["error"]["message"]


@pytest.mark.parametrize(
    ("play", "code"),
    [
        (
            {"signal": SIGABRT, "stdout": b"WARNING: no Action Unit models found, exiting\n"},
            "analyzer_unavailable",
        ),
        ({"exit_code": 0, "stdout": b"Failed to open the video file at location: segment.mp4\n"}, None),
        ({"exit_code": 139, "stdout": b""}, None),
        ({"table": table(3)}, None),
    ],
)
def test_an_openface_that_fails_is_told(
    seeing: Service, install: FakeInstall, face_clip: Path, play: dict[str, Any], code: str | None
) -> None:
    """However OpenFace ends, the job ends too: with a typed error, and never with a traceback."""
    replay(install, **play)
    try:
        document = seeing.score(face_clip, "video", analyzer="openface")
    finally:
        say_of_each_frame(install)

    assert document["status"] in {"failed", "succeeded"}
    if document["status"] == "failed":
        assert document["error"]["code"] != "internal_error"
        assert code in {None, document["error"]["code"]}
        assert "Traceback" not in document["error"]["message"]
    else:
        assert "faces_cut_short" in {warning["code"] for warning in document["warnings"]}


def test_a_long_clip_is_seen_piece_by_piece(seeing: Service, tmp_path: Path) -> None:
    """Each segment is a run of its own, and the table has a row a frame of the whole clip."""
    clip = make.face_video(tmp_path / "long.mp4", duration_s=9)

    document = seeing.score(clip, "video", analyzer="openface")

    assert document["status"] == "succeeded"
    rows = rows_of(seeing, document)
    assert [int(row["frame"]) for row in rows] == list(range(1, 9 * 25 + 1))

"""``avemotion faces`` and ``avemotion doctor``."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from client.main import app
from client.run.clips import sample_clip
from shared.settings import get_settings
from worker.faces.table import COLUMNS

CUT_MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2\x00\x00\x00\x08free"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings of this test alone, without OpenFace."""
    for name in ("OPENFACE_DIR", "OPENFACE_PATH", "AVEMOTION_OPENFACE_DIR", "AVEMOTION_OPENFACE_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AVEMOTION_DATA_DIR", str(tmp_path / "data"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def avemotion(*arguments: str | Path) -> Result:
    """Run a command; what is neither an exit nor a sentence is a fault of the program."""
    result = CliRunner().invoke(app, [*map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_clip_becomes_a_table_and_a_video(tmp_path: Path) -> None:
    """A row a frame in OpenFace's columns, a video of as many frames, and a few lines for a person."""
    table, overlay = tmp_path / "faces.csv", tmp_path / "seen.mp4"

    result = avemotion("faces", sample_clip(), "--csv", table, "--overlay", overlay)

    assert result.exit_code == 0, result.stderr
    header, *rows = csv.reader(io.StringIO(table.read_text()))
    assert tuple(header) == COLUMNS
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
    assert f"frames    {len(rows)} of {len(rows)} usable" in result.stdout
    for told in ("landmarker", "faces     1", "strongest AU", "faces.csv", "seen.mp4"):
        assert told in result.stdout
    with av.open(overlay) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(pictures) == len(rows)
    # The panel on the right is dark but for its bars, of which the mouth moves some.
    panels = np.stack([picture[:, -190:] for picture in pictures]).astype(float)
    assert np.median(panels) < 20
    assert panels.std(axis=0).max() > 20


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("missing.mp4", None, "not_found"),
        ("empty.mp4", b"", "empty_upload"),
        ("notes.mp4", b"no video at all", "unsupported_media"),
        (
            "cut.mp4",
            b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2\x00\x00\x00\x08free",
            "media_unreadable",
        ),
        ("sound.wav", b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(28), "no_video_stream"),
    ],
)
def test_what_holds_no_face(tmp_path: Path, name: str, content: bytes | None, code: str) -> None:
    """A file that cannot be seen gets one sentence and exit code 1, and nothing is written."""
    clip = tmp_path / name
    if content is not None:
        clip.write_bytes(content)

    result = avemotion("faces", clip, "--csv", tmp_path / "faces.csv")

    assert (result.exit_code, result.stderr.split(":")[0]) == (1, code)
    assert not (tmp_path / "faces.csv").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--csv", "faces.txt"], "must end in .csv"),
        (["--csv", "no-such-folder/faces.csv"], "there is no folder no-such-folder"),
        (["--csv", "faces.csv", "--overlay", "seen.avi"], "must end in .mp4"),
    ],
)
def test_outputs_are_looked_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], told: str
) -> None:
    """A place that cannot be written is refused before the clip is seen."""
    monkeypatch.chdir(tmp_path)

    result = avemotion("faces", sample_clip(), *options)

    assert result.exit_code == 1
    assert told in result.stderr


def test_openface_that_is_not_there(tmp_path: Path) -> None:
    """Asking for OpenFace where it is not set up is told at once."""
    result = avemotion("faces", sample_clip(), "--analyzer", "openface", "--csv", tmp_path / "faces.csv")

    assert (result.exit_code, result.stderr.split(":")[0]) == (1, "analyzer_unavailable")


def test_the_doctor_finds_what_is_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each part is told with facts; one that is set up and broken is told with its faults, exit code 1."""
    result = avemotion("doctor")
    assert result.exit_code == 0, result.stdout
    for part in ("machine", "ffmpeg", "landmarker", "openface", "model"):
        assert part in result.stdout
    assert "not set up" in result.stdout

    monkeypatch.setenv("OPENFACE_DIR", str(tmp_path / "nowhere"))
    get_settings.cache_clear()
    result = avemotion("doctor")
    assert result.exit_code == 1
    assert "FAIL openface" in result.stdout

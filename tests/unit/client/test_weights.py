"""``avemotion weights import``."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.settings import get_settings
from tests.unit.client.spoilt_sources import GOOD, arrays, pth, zipped
from tests.unit.client.weights_calls import refuses, weights
from worker.model.sources import read_weights_card


def test_an_import_tells_what_it_found(tmp_path: Path) -> None:
    """The report names the source, its licence and the files; the card says the same."""
    source, out = pth(GOOD)(tmp_path), tmp_path / "x.weights.h5"

    result = weights("import", source, "--preset", "tiny", "--out", out, "--licence", "MIT")

    assert (result.exit_code, result.stderr) == (0, "")
    card = read_weights_card(out)
    assert card is not None
    for told in (
        "a.pth (PyTorch, official names)",
        card.source.sha256,
        "162 used",
        "5 labels",
        "MIT (as you said)",
    ):
        assert told in result.stdout
    assert result.stdout.endswith(f"Written: {out} and x.card.json.\n")
    assert (card.licence, card.licence_basis, card.preset) == ("MIT", "given", "tiny")


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("x.h5", "its name must end in .weights.h5"),
        (".weights.h5", "its name must end in .weights.h5"),
        ("none/x.weights.h5", "there is no folder"),
        ("folder.weights.h5", "it is a folder"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_first(tmp_path: Path, out: str, told: str) -> None:
    """The output is looked at before the source."""
    (tmp_path / "folder.weights.h5").mkdir()

    result = weights("import", "nowhere", "--preset", "tiny", "--out", tmp_path / out)

    refuses(result, "invalid_request", told, tmp_path, tmp_path / "folder.weights.h5")


def test_the_source_is_not_replaced(tmp_path: Path) -> None:
    """A source that is named as the output is refused, and stays as it was."""
    source = pth(GOOD)(tmp_path).rename(tmp_path / "a.weights.h5")
    before = source.stat()

    result = weights("import", source, "--preset", "tiny", "--out", tmp_path / "." / source.name)

    refuses(result, "invalid_request", "is the source; it would be lost", tmp_path, source)
    assert source.stat().st_mtime_ns == before.st_mtime_ns


def test_a_licence_is_an_spdx_name(tmp_path: Path) -> None:
    """What cannot be one is refused."""
    source = pth(GOOD)(tmp_path)

    result = weights(
        "import", source, "--preset", "tiny", "--out", tmp_path / "x.weights.h5", "--licence", "a; b"
    )

    refuses(result, "invalid_request", "'a; b' is no SPDX name", tmp_path, source)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member larger than any weights is refused by its header, and nothing comes out."""
    monkeypatch.setattr("worker.model.sources.archive.LARGEST_MEMBER_BYTES", 10**6)
    source = zipped(arrays())(tmp_path)

    result = weights("import", source, "--preset", "tiny", "--out", tmp_path / "x.weights.h5")

    refuses(result, "invalid_weights", "variables.data-00000-of-00001 would take", tmp_path, source)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The settings' folder of temporary files."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("AVEMOTION_SCRATCH_DIR", str(folder))
    get_settings.cache_clear()
    yield folder
    get_settings.cache_clear()


def test_only_variables_are_unpacked_and_none_is_left(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scratch folder of the settings holds the variables of a zip for a while, and nothing else ever."""
    source = zipped(arrays(), **{"a/assets/big": b"x" * 1000})(tmp_path)
    seen = []
    copy = shutil.copyfileobj

    def spy(packed: io.BufferedIOBase, file: io.BufferedWriter, *size: int) -> None:
        seen.append(Path(file.name).relative_to(scratch).name)
        copy(packed, file, *size)

    monkeypatch.setattr("worker.model.sources.archive.shutil.copyfileobj", spy)

    result = weights("import", source, "--preset", "tiny", "--out", tmp_path / "x.weights.h5")

    assert result.exit_code == 0, result.stderr
    assert seen == ["variables.index", "variables.data-00000-of-00001"]
    assert list(scratch.iterdir()) == []

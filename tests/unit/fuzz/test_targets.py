"""Whatever bytes come, there is a result or a typed error, and nothing is left behind.

The targets hold themselves to more than that: see ``fuzz.targets``. ``AVEMOTION_FUZZ=50`` tries fifty
times as many cases.
"""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import seeds
from fuzz.targets import ViolationError, hold, ingesting, openface, sniffing, weights
from shared.errors import AvemotionError, ErrorCode
from tests.unit.faces.openface.tables import WITH_LANDMARKS, table
from tests.unit.fuzz.strategies import cases, spoilt
from worker.model.sources.archive import open_archive, unpack


@given(st.data())
@cases(100)
def test_any_bytes_are_sniffed(data: st.DataObject) -> None:
    """An upload is refused with a sentence, or one demuxer of the list may open it."""
    sniffing(data.draw(spoilt(seeds.media())))


@given(st.data())
@cases(15)
def test_spoilt_media_are_probed_and_decoded_or_refused(data: st.DataObject) -> None:
    """Probing and decoding end in plausible numbers, pictures and samples, or in a typed error."""
    ingesting(data.draw(spoilt(seeds.media())))


CELLS = st.sampled_from(
    ["nan", "-nan", "inf", "1e400", "-1e400", "", " ", "1_0", "0x10", "\u0661", "1,1", '"1"', "9" * 400, "\0"]
) | st.floats().map(str)


@given(
    st.lists(st.dictionaries(st.sampled_from(WITH_LANDMARKS), CELLS, max_size=5), max_size=8),
    st.lists(st.sampled_from(WITH_LANDMARKS), max_size=2),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-7", "cp037"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
@cases(30)
def test_tables_of_odd_cells_columns_and_encodings_are_read_or_refused(
    rows: list[dict[str, object]], left_out: list[str], encoding: str, line_end: str
) -> None:
    """A table of OpenFace gives rows in range, or the typed error."""
    columns = [name for name in WITH_LANDMARKS if name not in left_out]
    openface(table(rows, columns, line_end=line_end).decode().encode(encoding, "replace"))


@given(st.data())
@cases(40)
def test_spoilt_tables_are_read_or_refused(data: st.DataObject) -> None:
    """The same, of tables whose bytes were changed anywhere."""
    openface(data.draw(spoilt(seeds.tables())))


@pytest.mark.slow
@given(st.data())
@cases(25)
def test_spoilt_weights_are_imported_or_refused(data: st.DataObject) -> None:
    """A file of weights of any kind is imported whole, or refused and leaves nothing."""
    weights(data.draw(spoilt(seeds.weights())))


@pytest.mark.parametrize("name", ["mp4", "webm", "avi", "wav", "flac", "mp3", "aac"])
def test_whole_media_are_decoded(name: str) -> None:
    """What the changes start from is good: a refusal says something about the change."""
    assert ingesting(seeds.media()[name]) == "decoded"


@pytest.mark.parametrize(
    ("name", "kind"), [("pth", "pytorch"), ("safetensors",) * 2, ("zip", "savedmodel"), ("h5", "keras-h5")]
)
def test_whole_weights_are_imported(name: str, kind: str) -> None:
    """The same, of weights."""
    assert weights(seeds.weights()[name]) == f"imported {kind}"


def test_whole_tables_are_read() -> None:
    """The same, of tables."""
    assert openface(seeds.tables()["usual"]) == "5 rows"


def test_a_zip_that_unpacks_to_much_is_refused() -> None:
    """A hundred megabytes of nothing are no variables."""
    assert weights(seeds.weights()["bomb"]) == ErrorCode.INVALID_WEIGHTS.code


def test_a_zip_whose_members_stand_before_its_start_is_refused(tmp_path: Path) -> None:
    """A list of contents that lies about where it stands makes a typed error; nothing is unpacked."""
    path, folder = tmp_path / "a.zip", tmp_path / "out"
    folder.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/variables.index", b"x" * 100)
    data = bytearray(path.read_bytes())
    offset_at = data.rindex(b"PK\5\6") + 16
    struct.pack_into("<I", data, offset_at, struct.unpack_from("<I", data, offset_at)[0] + 1000)
    path.write_bytes(data)

    with open_archive(path) as archive, pytest.raises(AvemotionError, match="cut off or damaged") as caught:
        unpack(archive, ["m/variables.index"], folder)

    assert caught.value.code is ErrorCode.INVALID_WEIGHTS
    assert [*folder.iterdir()] == []


def test_a_violation_is_an_error() -> None:
    """The targets can fail."""
    with pytest.raises(ViolationError, match="so it is not"):
        hold([], "so it is not")

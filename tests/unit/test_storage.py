"""Files of uploads and artifacts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shared.object_storage import PART_BYTES
from shared.settings import Settings
from shared.storage import Storage
from shared.storage_choice import storage_of, try_out
from tests.object_store import ObjectStore
from worker.arrays import StoredArray, read_array, read_rows, write_array

KINDS = ["folder", "object store"]


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with ObjectStore() as store:
        yield store


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "folder":
        yield Storage(f"file://{tmp_path / 'files'}")
        return
    store: ObjectStore = request.getfixturevalue("store")
    storage = storage_of(Settings(scratch_dir=tmp_path, **store.settings()))
    yield storage
    storage.delete_tree("jobs/a")
    storage.delete_tree("jobs/b")
    storage.delete_tree("uploads/x")
    storage.close()
    assert store.names() == store.unfinished() == []


def test_what_is_written_can_be_read(storage: Storage) -> None:
    """A key gives its bytes, a part of them, its size, and a file on this machine."""
    storage.write("jobs/a/b.bin", b"0123456789")

    assert storage.read("jobs/a/b.bin") == b"0123456789"
    assert storage.read("jobs/a/b.bin", 2, 5) == b"234"
    assert storage.size("jobs/a/b.bin") == 10
    with storage.local("jobs/a/b.bin") as path:
        assert path.read_bytes() == b"0123456789"
    with storage.reader("jobs/a/b.bin") as stream:
        stream.seek(7)
        assert stream.read(2) == b"78"


def test_a_large_file_is_written_in_pieces(storage: Storage) -> None:
    """What is longer than a part of an upload comes back whole, and any range of it."""
    piece = bytes(range(256)) * 4096
    with storage.writer("uploads/x") as stream:
        for _ in range(20):
            stream.write(piece)

    assert storage.size("uploads/x") == 20 * len(piece) > 2 * PART_BYTES
    assert storage.read("uploads/x") == piece * 20
    assert storage.read("uploads/x", PART_BYTES - 1, PART_BYTES + 2) == b"\xff\x00\x01"
    with storage.local("uploads/x") as path:
        assert path.read_bytes() == piece * 20
    storage.delete("uploads/x")


def test_everything_that_the_service_does_can_be_tried_out(storage: Storage) -> None:
    """What `avemotion doctor` does works, and leaves nothing."""
    try_out(storage)

    assert storage.names("probe") == []


@pytest.mark.parametrize("size", [4, 2 * PART_BYTES + 5])
def test_a_write_that_fails_leaves_nothing(storage: Storage, size: int) -> None:
    """What was written before an error in the middle is removed, parts of an upload too."""

    def break_off() -> None:
        with storage.writer("uploads/x") as stream:
            stream.write(b"x" * size)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert not storage.exists("uploads/x")


@pytest.mark.parametrize(
    "key", ["../etc/passwd", "uploads/../../x", "/etc/passwd", "uploads/", "up loads/x", "x"]
)
def test_a_key_never_leaves_the_storage(storage: Storage, key: str) -> None:
    """Keys with dots that climb, absolute paths and other letters are refused."""
    with pytest.raises(ValueError, match="not a storage key"):
        storage.write(key, b"")


def test_deleting_what_is_not_there_is_no_error(storage: Storage) -> None:
    """Clean-up may run twice."""
    storage.write("jobs/a/1/x", b"")
    storage.write("jobs/b/1/x", b"")

    for _ in range(2):
        storage.delete_tree("jobs/a")
        storage.delete("uploads/none")

    assert storage.keys("jobs/a") == []
    assert storage.names("jobs") == ["b"]
    assert storage.names("uploads") == []


def test_the_folder_is_closed_to_others(tmp_path: Path) -> None:
    """Nobody else on the machine can read faces and voices."""
    Storage(f"file://{tmp_path / 'private'}")

    assert (tmp_path / "private").stat().st_mode & 0o077 == 0


def test_a_missing_key_is_a_missing_file(storage: Storage) -> None:
    """Reading and opening what is not there raise FileNotFoundError."""
    with pytest.raises(FileNotFoundError):
        storage.read("jobs/a/none")
    with pytest.raises(FileNotFoundError), storage.local("jobs/a/none"):
        pass
    with pytest.raises(FileNotFoundError), storage.reader("jobs/a/none"):
        pass
    assert not storage.exists("jobs/a/none")


@pytest.mark.parametrize("rows", [[0, 1, 2], [4], [1, 3, 4], []])
def test_single_rows_of_an_array_can_be_read(storage: Storage, rows: list[int]) -> None:
    """Any rows, together or apart, come as they were written."""
    array = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3)
    stored = StoredArray.from_json(write_array(storage, "jobs/a/x.npy", array).to_json())

    assert np.array_equal(read_rows(storage, stored, rows), array[rows])
    assert np.array_equal(read_array(storage, stored), array)
    with storage.local("jobs/a/x.npy") as path:
        assert np.array_equal(np.load(path), array)


def test_an_empty_array_is_an_array_too(storage: Storage) -> None:
    """No crops at all are stored and read as none."""
    stored = write_array(storage, "jobs/a/x.npy", np.zeros((0, 4, 4, 3), np.uint8))

    assert read_array(storage, stored).shape == (0, 4, 4, 3)


def test_one_file_is_a_tree_too(storage: Storage) -> None:
    """The sweep removes an orphan without knowing whether it is a file or a folder."""
    storage.write("uploads/x", b"x")
    storage.write("uploads/xy", b"x")

    storage.delete_tree("uploads/x")

    assert storage.names("uploads") == ["xy"]
    storage.delete("uploads/xy")

"""Files of uploads and artifacts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.storage import Storage
from worker.arrays import StoredArray, read_array, read_rows, write_array


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(f"file://{tmp_path / 'files'}")


def test_what_is_written_can_be_read(storage: Storage) -> None:
    """A key gives its bytes, a part of them, its size, and a file on this machine."""
    storage.write("jobs/a/b.bin", b"0123456789")

    assert storage.read("jobs/a/b.bin") == b"0123456789"
    assert storage.read("jobs/a/b.bin", 2, 5) == b"234"
    assert storage.size("jobs/a/b.bin") == 10
    with storage.local("jobs/a/b.bin") as path:
        assert path.read_bytes() == b"0123456789"


def test_a_write_that_fails_leaves_nothing(storage: Storage) -> None:
    """What was written before an error in the middle is removed."""

    def break_off() -> None:
        with storage.writer("uploads/x") as stream:
            stream.write(b"half")
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

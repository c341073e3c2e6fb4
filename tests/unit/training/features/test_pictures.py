from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from tests.unit.training.features.made import SETTINGS, write_image
from training.datasets.sample import Still
from training.features.pictures import read_still
from training.features.stacks import MOST_BYTES
from worker.media.sandbox import no_checkpoint

GREY = np.arange(3 * 48 * 48, dtype=np.uint32).reshape(3, 48, 48).astype(np.uint8)
COLOURS: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)


def read(path: Path, index: int | None = None, settings: Settings = SETTINGS) -> NDArray[np.uint8]:
    return read_still(Still(path, index), settings, no_checkpoint)


def refused(path: Path, index: int | None = None, settings: Settings = SETTINGS) -> AvemotionError:
    with pytest.raises(AvemotionError) as caught:
        read(path, index, settings)
    return caught.value


def npz(path: Path, **arrays: NDArray[np.generic]) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def table(path: Path, *cells: str) -> Path:
    path.write_text("emotion, pixels, Usage\n" + "".join(f"0,{cell},Training\n" for cell in cells))
    return path


def test_a_grey_picture_of_many_becomes_rgb(tmp_path: Path) -> None:
    """A picture is taken by its number, and its grey stands in all three colours."""
    path = npz(tmp_path / "faces.npz", image=GREY)

    assert np.array_equal(read(path, 2), np.stack([GREY[2]] * 3, axis=-1))


def test_pictures_of_a_changed_file_are_read_again(tmp_path: Path) -> None:
    """A file that was replaced while the process runs gives its new pictures."""
    path = npz(tmp_path / "faces.npz", image=GREY)
    read(path, 0)
    npz(path, image=255 - GREY)

    assert np.array_equal(read(path, 0)[..., 0], 255 - GREY[0])


def test_coloured_pictures_of_many_stay_as_they_are(tmp_path: Path) -> None:
    """A stack of RGB pictures gives each as it is stored."""
    assert np.array_equal(read(npz(tmp_path / "faces.npz", image=COLOURS[None]), 0), COLOURS)


def test_a_row_of_a_table_is_a_picture(tmp_path: Path) -> None:
    """A row of FER2013's table is a square of grey levels, also with blanks in the header."""
    path = table(tmp_path / "fer2013.csv", *(" ".join(map(str, each.ravel())) for each in GREY))

    assert np.array_equal(read(path, 1)[..., 2], GREY[1])


@pytest.mark.parametrize("cell", ["1 2 3", "", "1 2 3 400", "1 2 3 x"])
def test_a_broken_row_spoils_no_other(tmp_path: Path, cell: str) -> None:
    """A row that is no square of levels is refused by its number; the others are read."""
    path = table(tmp_path / "fer2013.csv", cell, "1 2 3 4")

    assert read(path, 1)[..., 0].tolist() == [[1, 2], [3, 4]]
    error = refused(path, 0)
    assert error.code is ErrorCode.INVALID_DATASET
    assert "no picture number 0" in error.message


@pytest.mark.parametrize("index", [3, -1])
def test_a_number_beyond_the_pictures_is_refused(tmp_path: Path, index: int) -> None:
    """There is no picture after the last, and none is counted from the end."""
    assert f"no picture number {index}" in refused(npz(tmp_path / "faces.npz", image=GREY), index).message


def test_objects_in_a_stack_are_never_unpickled(tmp_path: Path) -> None:
    """An array of objects, which only pickle can read, is refused and nothing in it runs."""
    path = tmp_path / "faces.npz"
    np.savez(path, image=np.array([_Bomb(tmp_path / "exploded")], dtype=object))

    assert refused(path, 0).code is ErrorCode.INVALID_DATASET
    assert not (tmp_path / "exploded").exists()


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (os.mkdir, (str(self.path),))


def test_a_stack_larger_than_memory_is_refused_by_its_header(tmp_path: Path) -> None:
    """A file that says it unpacks to more than is allowed is not unpacked."""
    path = tmp_path / "faces.npz"
    header = repr(
        {"descr": "|u1", "fortran_order": False, "shape": (MOST_BYTES // 48**2 + 1, 48, 48)}
    ).encode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("image.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)

    assert "bytes allowed" in refused(path, 0).message


@pytest.mark.parametrize(
    "arrays",
    [
        {"faces": GREY},
        {"image": GREY.astype(np.float32)},
        {"image": GREY[0]},
        {"image": COLOURS[None, ..., :2]},
    ],
)
def test_a_stack_of_something_else_is_refused(tmp_path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    """A file without pictures of bytes is refused with a sentence that names it."""
    error = refused(npz(tmp_path / "faces.npz", **arrays), 0)

    assert error.code is ErrorCode.INVALID_DATASET
    assert "faces.npz" in error.message


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"no zip at all"])
@pytest.mark.parametrize("name", ["faces.npz", "faces.csv"])
def test_a_damaged_stack_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    """A file that is cut off, empty or of another kind is refused with a sentence that names it."""
    (tmp_path / name).write_bytes(content)

    assert name in refused(tmp_path / name, 0).message


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp", ".jpg"])
def test_an_image_file_is_read_whatever_its_kind(tmp_path: Path, suffix: str) -> None:
    """PNG and BMP come pixel by pixel; JPEG and WebP lose what they lose."""
    smooth = np.linspace(0, 250, 40 * 60 * 3).reshape(40, 60, 3).astype(np.uint8)

    picture = read(write_image(tmp_path / f"face{suffix}", smooth))

    assert picture.shape == smooth.shape
    lost = np.abs(picture.astype(int) - smooth).max()
    assert lost == 0 if suffix in {".png", ".bmp"} else lost < 16


def test_an_image_file_is_known_by_its_content(tmp_path: Path) -> None:
    """A PNG that is called JPEG is read as what it is."""
    path = write_image(tmp_path / "face.png", COLOURS).rename(tmp_path / "face.jpg")

    assert np.array_equal(read(path), COLOURS)


@pytest.mark.parametrize("kind", ["file", "stack"])
def test_a_large_picture_is_shrunk_as_in_serving(tmp_path: Path, kind: str) -> None:
    """The analyzer is shown no picture larger than a clip's would be."""
    wide = np.full((300, 900, 3), 90, np.uint8)
    if kind == "file":
        picture = read(write_image(tmp_path / "wide.png", wide))
    else:
        picture = read(npz(tmp_path / "wide.npz", image=wide[None]), 0)

    assert picture.shape == (213, 640, 3)
    assert (picture == 90).all()


def test_an_image_with_too_many_pixels_is_not_decoded(tmp_path: Path) -> None:
    """An image larger than the settings allow is refused by the child that looks at it first."""
    error = refused(write_image(tmp_path / "big.png", COLOURS), settings=Settings(max_pixels=1000))

    assert error.code is ErrorCode.MEDIA_TOO_LARGE


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    """A text, a file that is not there, a pipe and half an image each have their sentence."""
    (tmp_path / "text.jpg").write_text("not an image")
    os.mkfifo(tmp_path / "pipe.png")
    whole = write_image(tmp_path / "whole.png", COLOURS).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[:40])

    assert refused(tmp_path / "text.jpg").code is ErrorCode.UNSUPPORTED_MEDIA
    assert refused(tmp_path / "nothing.png").code is ErrorCode.MEDIA_MISSING
    assert refused(tmp_path / "nothing.npz", 0).code is ErrorCode.MEDIA_MISSING
    assert refused(tmp_path / "pipe.png").code is ErrorCode.MEDIA_MISSING
    assert refused(tmp_path / "half.png").code is ErrorCode.MEDIA_UNREADABLE

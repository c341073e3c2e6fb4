"""Which kind of source a file or folder is, told from what it holds and not from its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from shared.errors import AvemotionError, ErrorCode
from worker.model.hdf5 import damage_in, open_hdf5
from worker.model.sources.archive import open_archive
from worker.model.sources.huggingface import read_facts
from worker.model.sources.keras_h5 import open_keras_h5, weights_root
from worker.model.sources.safetensors_file import INDEX_NAME, WEIGHTS_NAME, open_safetensors
from worker.model.sources.savedmodel import INDEX, open_savedmodel, open_savedmodel_zip
from worker.model.sources.source import Source
from worker.model.sources.torch_file import open_torch
from worker.model.weights_fault import invalid

ZIP, HDF5, PICKLE = b"PK", b"\x89HDF\r\n\x1a\n", b"\x80"
# A safetensors file starts with the length of its header, which is a JSON object.
LENGTH_BYTES = 8
LONGEST_HEADER_BYTES = 100_000_000
PICKLE_MEMBER = "data.pkl"
TORCH_NAME = "pytorch_model.bin"
KINDS = "a PyTorch file, safetensors, a TensorFlow SavedModel or an .h5 of Keras 2"


@contextmanager
def open_source(path: Path, *, scratch: Path | None = None) -> Iterator[Source]:
    """Yield what a file or folder holds, of whichever kind it is; nothing in it is executed.

    Args:
        path: The file or folder.
        scratch: Where a zip is unpacked; the system's place for temporary files when None.

    Raises:
        AvemotionError: ``NOT_FOUND`` where nothing is there; ``INVALID_WEIGHTS`` where it is of no known
            kind, cut off, damaged, or tries to lead elsewhere.
    """
    if path.is_dir():
        opened = _open_folder(path)
    elif path.is_file():
        opened = _open_file(path, scratch)
    else:
        raise AvemotionError(ErrorCode.NOT_FOUND, f"There is no file or folder {path}.")
    with opened as source:
        yield source


def _open_file(path: Path, scratch: Path | None) -> AbstractContextManager[Source]:
    try:
        with path.open("rb") as file:
            head = file.read(LENGTH_BYTES + 1)
    except OSError as error:
        raise invalid(path, f"it cannot be read ({error.strerror}).") from error
    if not head:
        raise invalid(path, "it is empty.")
    if head.startswith(ZIP):
        return _open_zip(path, scratch)
    if head.startswith(HDF5):
        return _open_hdf5(path)
    if _is_safetensors(head):
        return open_safetensors(path)
    if head.startswith(PICKLE):
        return nullcontext(open_torch(path))
    raise invalid(path, f"it is not recognised as {KINDS}.")


def _is_safetensors(head: bytes) -> bool:
    length = int.from_bytes(head[:LENGTH_BYTES], "little")
    return head[LENGTH_BYTES:] == b"{" and length <= LONGEST_HEADER_BYTES


def _open_zip(path: Path, scratch: Path | None) -> AbstractContextManager[Source]:
    with open_archive(path) as archive:
        names = archive.namelist()
    if any(name == PICKLE_MEMBER or name.endswith(f"/{PICKLE_MEMBER}") for name in names):
        return nullcontext(open_torch(path))
    if any(name == INDEX or name.endswith(f"/{INDEX}") for name in names):
        return open_savedmodel_zip(path, scratch)
    raise invalid(path, f"it is a zip with neither {PICKLE_MEMBER} of PyTorch nor {INDEX} of a SavedModel.")


def _open_hdf5(path: Path) -> AbstractContextManager[Source]:
    with open_hdf5(path) as file, damage_in(path):
        if weights_root(file) is not None:
            return open_keras_h5(path)
    raise invalid(path, "it is HDF5 without layer_names; weights of Keras 3, such as ours, need no import.")


def _open_folder(path: Path) -> AbstractContextManager[Source]:
    try:
        inner = [folder for folder in path.iterdir() if folder.is_dir()]
    except OSError as error:
        raise invalid(path, f"it cannot be listed ({error.strerror}).") from error
    # A zip that was unpacked by hand may leave a folder around the one that counts.
    for folder in (path, *(inner if len(inner) == 1 else ())):
        if (folder / INDEX).is_file():
            return open_savedmodel(folder)
        if (folder / INDEX_NAME).is_file() or (folder / WEIGHTS_NAME).is_file():
            return open_safetensors(folder)
        if (folder / TORCH_NAME).is_file():
            facts, files = read_facts(folder, folder)
            source = open_torch(folder / TORCH_NAME)
            return nullcontext(replace(source, path=folder, files=(*source.files, *files), facts=facts))
    raise invalid(path, f"it holds none of {INDEX}, {INDEX_NAME}, {WEIGHTS_NAME} and {TORCH_NAME}.")

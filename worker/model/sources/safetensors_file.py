"""safetensors: one file, or the shards that an index lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401 - through it numpy knows bfloat16
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from worker.model.sources.huggingface import read_facts, read_object
from worker.model.sources.source import Source, Stored
from worker.model.weights_fault import invalid

WEIGHTS_NAME = "model.safetensors"
INDEX_NAME = "model.safetensors.index.json"
DTYPES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}


@contextmanager
def open_safetensors(path: Path) -> Iterator[Source]:
    """Yield what a file, or a folder of Hugging Face, holds.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where a file is missing or damaged, or does not hold what the
            index says.
    """
    folder = path if path.is_dir() else path.parent
    index = _index(folder) if path.is_dir() and (folder / INDEX_NAME).is_file() else {}
    single = path if path.is_file() else folder / WEIGHTS_NAME
    files = sorted({folder / name for name in index.values()}) if index else [single]
    with ExitStack() as stack:
        holders: dict[str, Any] = {}
        for file in files:
            holder = _open(stack, path, file)
            names = list(holder.keys())
            strangers = [name for name in names if index and index.get(name) != file.name]
            if strangers:
                raise invalid(path, f"{strangers[0]} is in {file.name}, where {INDEX_NAME} does not have it.")
            holders.update(dict.fromkeys(names, holder))
        lost = [name for name in index if name not in holders]
        if lost:
            raise invalid(path, f"{lost[0]} is not in {index[lost[0]]}, where {INDEX_NAME} has it.")

        def read(name: str) -> NDArray[Any]:
            array: NDArray[Any] = holders[name].get_tensor(name)
            return array

        facts, beside = read_facts(path, folder)
        listed = (folder / INDEX_NAME,) if index else ()
        tensors = {name: _stored(holder, name) for name, holder in holders.items()}
        yield Source(path, "safetensors", (*files, *listed, *beside), tensors, read, facts)


def _index(folder: Path) -> Mapping[str, str]:
    """Return the file of each tensor."""
    files = read_object(folder, folder / INDEX_NAME).get("weight_map")
    if not isinstance(files, dict) or not files:
        raise invalid(folder, f"{INDEX_NAME} has no weight_map.")
    for name, file in files.items():
        # Nothing outside the folder is read, whatever the index says.
        if not isinstance(file, str) or Path(file).name != file:
            raise invalid(folder, f"{INDEX_NAME} has {name} in {file!r}, which is no file beside it.")
    return files


def _open(stack: ExitStack, path: Path, file: Path) -> Any:
    if not file.is_file():
        raise invalid(path, f"{file.name} is missing.")
    try:
        return stack.enter_context(safe_open(file, framework="numpy"))
    except (SafetensorError, OSError, ValueError) as error:
        raise invalid(path, f"{file.name} is cut off, damaged or no safetensors file ({error}).") from error


def _stored(holder: Any, name: str) -> Stored:
    part = holder.get_slice(name)
    dtype = str(part.get_dtype())
    return Stored(tuple(part.get_shape()), DTYPES.get(dtype, dtype))

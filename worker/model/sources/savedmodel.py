"""TensorFlow's SavedModel, as innat publishes VideoMAE: its variables, without its graph."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from worker.model.sources.archive import open_archive, unpack
from worker.model.sources.source import Source, Stored
from worker.model.weights_fault import invalid

INDEX = "variables/variables.index"
PREFIX = "variables"
DATA = re.compile(r"variables\.data-\d{5}-of-\d{5}")
SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
NUMBERED = re.compile(r"variables/(0|[1-9]\d{0,5})")
# What training leaves in a checkpoint beside the model's variables.
TRAINING = ("_CHECKPOINTABLE_OBJECT_GRAPH", "keras_api/", "optimizer/", "save_counter/")
# macOS adds its own copies of names.
RESOURCES = "__MACOSX/"


@contextmanager
def open_savedmodel_zip(path: Path, scratch: Path | None) -> Iterator[Source]:
    """Yield what a zipped SavedModel holds; its variables alone are unpacked, into a temporary folder.

    Args:
        path: The archive.
        scratch: Where the temporary folder is made; the system's place when None.

    Raises:
        AvemotionError: See ``open_savedmodel``, ``open_archive`` and ``unpack``.
    """
    with open_archive(path) as archive:
        names = [name for name in archive.namelist() if not name.startswith(RESOURCES)]
        indices = [name for name in names if name == INDEX or name.endswith(f"/{INDEX}")]
        if len(indices) != 1:
            raise invalid(path, f"it holds {len(indices)} SavedModels, and not one.")
        base = indices[0].removesuffix(Path(INDEX).name)
        data = [name for name in names if name.startswith(base) and DATA.fullmatch(name.removeprefix(base))]
        with tempfile.TemporaryDirectory(prefix="avemotion-weights-", dir=scratch) as folder:
            unpack(archive, [*indices, *data], Path(folder))
            tensors, read = _open_variables(path, Path(folder))
            yield Source(path, "savedmodel", (path,), tensors, read)


@contextmanager
def open_savedmodel(path: Path) -> Iterator[Source]:
    """Yield what the folder of a SavedModel holds.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where the variables are damaged, or are no plain numbered list.
    """
    variables = (path / INDEX).parent
    tensors, read = _open_variables(path, variables)
    files = sorted(file for file in variables.iterdir() if DATA.fullmatch(file.name))
    yield Source(path, "savedmodel", (path / INDEX, *files), tensors, read)


def _open_variables(path: Path, folder: Path) -> tuple[dict[str, Stored], Callable[[str], NDArray[Any]]]:
    """Return the model's variables in the order of their numbers, and what reads them.

    Args:
        path: What is imported, for messages.
        folder: Where ``variables.index`` lies.
    """
    import tensorflow as tf  # noqa: PLC0415 - large, and another backend may be in use

    try:
        reader = tf.train.load_checkpoint(str(folder / PREFIX))
        shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    except Exception as error:  # TensorFlow turns its own into many
        raise invalid(path, f"its {INDEX} is cut off or damaged ({_first_line(error)}).") from error
    names = {key.removesuffix(SUFFIX): key for key in shapes if not key.startswith(TRAINING)}
    numbered = sorted((name for name in names if NUMBERED.fullmatch(name)), key=_number)
    for number, name in enumerate(numbered):
        if _number(name) != number:
            raise invalid(path, f"variables/{number} is missing.")
    ordered = [*numbered, *sorted(names.keys() - set(numbered))]
    tensors = {name: Stored(tuple(shapes[names[name]]), dtypes[names[name]].name) for name in ordered}

    def read(name: str) -> NDArray[Any]:
        try:
            array: NDArray[Any] = reader.get_tensor(names[name])
        except Exception as error:  # see above
            raise invalid(path, f"{name} is cut off or damaged ({_first_line(error)}).") from error
        return array

    return tensors, read


def _number(name: str) -> int:
    return int(name.partition("/")[2])


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

"""The data sets that can be read, by name."""

from __future__ import annotations

from pathlib import Path

from training.datasets import crema_d, emodb, enterface, fer2013, mafw, manifest, ravdess
from training.datasets.files import find_files
from training.datasets.layout import Layout
from training.datasets.tables import invalid

DATASETS: dict[str, Layout] = {
    module.LAYOUT.name: module.LAYOUT
    for module in (crema_d, enterface, mafw, ravdess, emodb, fer2013, manifest)
}


def layout_of(name: str) -> Layout:
    """Return the layout of a data set's name or alias, in any case.

    Raises:
        AvemotionError: ``INVALID_DATASET``: there is no such data set.
    """
    plain = name.strip().lower()
    for layout in DATASETS.values():
        if plain in (layout.name, *layout.aliases):
            return layout
    raise invalid(f"There is no data set called {name}; there are {', '.join(DATASETS)}.")


def recognise(folder: Path) -> list[Layout]:
    """Return the data sets that a folder looks like, by names of files alone; a manifest speaks for all.

    Raises:
        AvemotionError: ``INVALID_DATASET``: there is no such folder.
    """
    check_folder(folder)
    files = find_files(folder)
    found = [layout for layout in DATASETS.values() if layout.recognises(folder, files)]
    described = [layout for layout in found if layout is manifest.LAYOUT]
    return described or found


def check_folder(folder: Path) -> None:
    """Raise ``INVALID_DATASET`` where a folder is none, is empty or may not be read."""
    try:
        if not any(folder.iterdir()):
            raise invalid(f"The folder {folder} is empty.")
    except FileNotFoundError as error:
        raise invalid(f"There is no folder {folder}.") from error
    except NotADirectoryError as error:
        raise invalid(f"{folder} is a file; a data set is a folder.") from error
    except OSError as error:
        raise invalid(f"The folder {folder} cannot be read ({error.strerror}).") from error

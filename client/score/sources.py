"""From the paths of a command line to the clips: files, folders, patterns and manifests."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from client.render.text import display_path
from client.score.items import Item, Selection, invalid, reference_of
from client.score.manifest import is_manifest, read_manifest
from shared.sniff import HEAD_BYTES, sniff
from training.datasets.files import AUDIO_SUFFIXES, VIDEO_SUFFIXES, find_files

MEDIA_SUFFIXES = VIDEO_SUFFIXES | AUDIO_SUFFIXES


def select(paths: Sequence[Path]) -> Selection:
    """Return the clips that paths name, each once, in their order; those in a folder in the order of names.

    A file in a folder or behind a pattern counts if its first bytes or its name say that it is media: one
    that is named as media and is none gets a row that says so, all others are passed over. A file named by
    itself or in a manifest always gets its row.

    Raises:
        AvemotionError: ``INVALID_REQUEST``: nothing is there, or two clips would have one name.
    """
    items: dict[str, Item] = {}
    columns: dict[str, None] = {}
    passed_over = 0
    for path in paths:
        if is_manifest(path):
            found, named = read_manifest(path)
            columns.update(dict.fromkeys(named))
            for item in found:
                _add(items, item)
            continue
        for file, chosen in _files(path):
            if not chosen and not _may_be_media(file):
                passed_over += 1
            else:
                _add(items, Item(reference_of(file), file))
    if not items:
        listed = ", ".join(display_path(path) for path in paths)
        raise invalid(f"There is nothing to score: {listed} holds no video and no sound.")
    return Selection(tuple(items.values()), tuple(columns), passed_over)


def _files(path: Path) -> Iterator[tuple[Path, bool]]:
    """Yield files, and whether each was named by itself."""
    if path.is_dir():
        yield from ((file, False) for file in find_files(path))
    elif path.exists() or not glob.has_magic(str(path)):
        if not path.exists():
            raise invalid(f"There is no file {display_path(path)}.")
        yield path, True
    else:
        # The shell leaves a pattern as it is where it is quoted, or too long for a command line.
        matches = sorted(Path(name) for name in glob.iglob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        if not matches:
            raise invalid(f"No file is called {display_path(path)}.")
        for match in matches:
            if match.is_dir():
                yield from ((file, False) for file in find_files(match))
            else:
                yield match, False


def _add(items: dict[str, Item], item: Item) -> None:
    """Add an item; the same clip named twice counts once."""
    kept = items.setdefault(item.reference, item)
    if kept is not item and (kept.path.absolute(), kept.audio) != (item.path.absolute(), item.audio):
        raise invalid(f"Two clips are called {item.reference}; score them into two files of results.")


def _may_be_media(path: Path) -> bool:
    if path.suffix.lower() in MEDIA_SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return sniff(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False

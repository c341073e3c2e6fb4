"""The files that the page is made of, as browsers get them."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
from functools import cache
from importlib import metadata
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

STATIC = files("api.page") / "static"
TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
INDEX = "index.html"
PLOTLY = "plotly.min.js"
# Stands in the page for the address of its own files, and for what is to be fetched at once.
FOLDER_MARK = "{folder}"
PRELOADS_MARK = "<!-- preloads -->"
# Wanted later, if at all; and no module.
LATER = ("result/", "early.js")
PREFIX = "/page"
COMPRESSION = 6


class File(NamedTuple):
    """One file: as it is, compressed, and what names this version of it."""

    content_type: str
    tag: str
    body: bytes
    compressed: bytes


@cache
def find_file(name: str) -> File | None:
    """Return a file of the page by its path in the folder; ``None`` if there is none.

    It is read and compressed once a process.
    """
    if name == PLOTLY:
        return _plotly()
    return None if name == INDEX or name not in names() else _file(name, (STATIC / name).read_bytes())


@cache
def index() -> File:
    """Return the page itself, with the address of its files filled in.

    Its modules are named in it: browsers would find those that others import only one after another.
    """
    text = (STATIC / INDEX).read_text(encoding="utf-8")
    modules = sorted(name for name in names() if name.endswith(".js") and not name.startswith(LATER))
    preloads = (f'<link rel="modulepreload" href="{FOLDER_MARK}/{name}">' for name in modules)
    text = text.replace(PRELOADS_MARK, "\n".join(preloads))
    return _file(INDEX, text.replace(FOLDER_MARK, f"{PREFIX}/{version()}").encode())


@cache
def version() -> str:
    """Return the name of this state of all files: while it stays, browsers need not ask again."""
    digest = hashlib.sha256()
    for name in sorted(names()):
        digest.update(name.encode())
        digest.update(hashlib.sha256((STATIC / name).read_bytes()).digest())
    if _plotly_package() is not None:
        digest.update(metadata.version("plotly").encode())
    return digest.hexdigest()[:16]


@cache
def names() -> frozenset[str]:
    """Return the paths of all files of the page in its folder; no other file is ever read."""
    return frozenset(_names(STATIC, ""))


def _names(folder: Traversable, path: str) -> list[str]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _names(entry, f"{path}{entry.name}/")
        elif entry.name.rpartition(".")[2] in TYPES:
            found.append(path + entry.name)
    return found


def _plotly() -> File | None:
    return None if (folder := _plotly_package()) is None else _file(PLOTLY, (folder / PLOTLY).read_bytes())


def _plotly_package() -> Path | None:
    # Found, not imported: the import takes long, and the script needs nothing of it.
    package = importlib.util.find_spec("plotly")
    return None if package is None or package.origin is None else Path(package.origin).parent / "package_data"


def _file(name: str, body: bytes) -> File:
    # A fixed time of making: the same bytes in each process.
    compressed = gzip.compress(body, COMPRESSION, mtime=0)
    return File(TYPES[name.rpartition(".")[2]], hashlib.sha256(body).hexdigest()[:32], body, compressed)

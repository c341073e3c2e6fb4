"""What one large upload costs the API in memory.

Usage: python -m bench.upload_memory [--mib 1024]

The same number of bytes goes to a real server three times: raw with its length, raw in chunks, and
as a form. Printed is the most that the server's processes held at any moment, above what they held
after a small upload. Exit status 1 if it is more than 32 MiB.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types

from bench.api_server import serve
from client.stack.stack import EmbeddedStack
from migrations.upgrade import upgrade
from shared.settings import Settings

MIB = 1024 * 1024
GOAL_MIB = 32.0
# Passes for a video; what follows is not looked at.
HEAD = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"
FORM_START = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
FORM_END = b"\r\n--x--\r\n"


def pieces(mib: int, mark: bytes, *, as_form: bool = False) -> Iterator[bytes]:
    """Yield a body that begins as a video and is zeros for the rest."""
    zeros = bytes(MIB)
    yield (FORM_START if as_form else b"") + HEAD + mark
    for _ in range(mib):
        yield zeros
    if as_form:
        yield FORM_END


def peak_mib(pids: list[int]) -> float:
    """Return the most memory that processes have held since the last ``reset``, in MiB."""
    kib = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        kib += next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return kib / 1024


def reset(pids: list[int]) -> None:
    """Let the kernel count the peak from now on."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def main() -> int:
    """Measure, print, and compare with the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024)
    mib = parser.parse_args().mib
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="avemotion-bench-") as folder:
        settings = Settings(data_dir=Path(folder), port=0, api_processes=1)
        with EmbeddedStack(settings, services=lambda *_: ()) as servers:
            upgrade(servers.settings)
            with (
                serve(servers.settings) as api,
                httpx.Client(base_url=f"http://127.0.0.1:{api.port}", timeout=600, trust_env=False) as http,
            ):
                http.post("/upload/video", content=HEAD + b"warm").raise_for_status()
                pids = [api.pid, *(child.pid for child in psutil.Process(api.pid).children())]
                for way in ("length", "chunks", "form"):
                    worst = max(worst, measure(http, pids, way, mib))
    print(f"largest rise: {worst:.1f} MiB (goal: below {GOAL_MIB:.0f} MiB)")
    return int(worst >= GOAL_MIB)


def measure(http: httpx.Client, pids: list[int], way: str, mib: int) -> float:
    """Upload once, print what it took, and return the rise of the peak in MiB."""
    headers = {}
    if way == "length":
        headers["Content-Length"] = str(len(HEAD) + len(way) + mib * MIB)
    elif way == "form":
        headers["Content-Type"] = "multipart/form-data; boundary=x"
    reset(pids)
    before, started = peak_mib(pids), time.perf_counter()
    body = pieces(mib, way.encode(), as_form=way == "form")
    http.post("/upload/video", content=body, headers=headers).raise_for_status()
    seconds, after = time.perf_counter() - started, peak_mib(pids)
    print(
        f"{way}: {mib} MiB in {seconds:.1f} s; memory before {before:.1f} MiB, "
        f"at most {after:.1f} MiB: {after - before:+.1f} MiB"
    )
    return after - before


if __name__ == "__main__":
    sys.exit(main())

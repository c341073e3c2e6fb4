"""A stand-in for ``FeatureExtraction``; runs in the fake installation's folder and does what it finds there.

It says ``stdout.txt`` and ``stderr.txt``, byte for byte, writes ``table.csv`` where it is told to, and
ends as ``play.json`` says. ``called.json`` tells how it was called.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path.cwd()
F, OUT_DIR, OF = (Path(sys.argv[sys.argv.index(flag) + 1]) for flag in ("-f", "-out_dir", "-of"))


def tell_how_called() -> None:
    limits = ("RLIMIT_AS", "RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_FSIZE")
    call = {
        "argv": sys.argv,
        "environment": dict(os.environ),
        "video_bytes": F.stat().st_size,
        "leads_group": os.getpgid(0) == os.getpid(),
        "limits": {name: resource.getrlimit(getattr(resource, name))[0] for name in limits},
    }
    (HERE / "called.json").write_text(json.dumps(call), encoding="utf-8")


def say() -> None:
    for stream, name in ((sys.stdout, "stdout.txt"), (sys.stderr, "stderr.txt")):
        stream.buffer.write((HERE / name).read_bytes())
        stream.buffer.flush()


def write_table() -> None:
    table = HERE / "table.csv"
    if table.exists():
        (OUT_DIR / f"{OF}.csv").write_bytes(table.read_bytes())
        (OUT_DIR / f"{OF}_of_details.txt").write_text("Input: a video\n", encoding="utf-8")


def hang() -> None:
    """Stay for ever, deaf to the polite signals, with a child that does so too."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    part = HERE / "pids.part"
    part.write_text(json.dumps([os.getpid(), child.pid]), encoding="utf-8")
    # Whoever sees the file sees all of it.
    part.rename(HERE / "pids.json")
    time.sleep(600)


def take_memory() -> None:
    try:
        bytearray(8 * 1024**3)
    except MemoryError:
        sys.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\n")
        sys.stderr.flush()
        os.abort()


def fill_disk() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    with (OUT_DIR / f"{OF}.csv").open("wb") as file:
        while True:
            file.write(bytes(1024**2))


def main() -> int:
    tell_how_called()
    play = json.loads((HERE / "play.json").read_text(encoding="utf-8"))
    write_table()
    say()
    for deed in (hang, take_memory, fill_disk):
        if play["deed"] == deed.__name__:
            deed()
    if play["signal"]:
        os.kill(os.getpid(), play["signal"])
    return int(play["exit_code"])


if __name__ == "__main__":
    sys.exit(main())

"""Fuzz a target led by coverage of our own Python: atheris, which is libFuzzer.

Usage: python -m fuzz.guided TARGET [options of libFuzzer, such as -runs=100000 -max_total_time=300]

The corpus is kept in fuzz/corpus/TARGET and starts with the seeds. Needs the extra `fuzz`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["api", "fuzz", "shared", "worker"]):
    from fuzz.seeds import SEEDS
    from fuzz.targets import TARGETS

    if "weights" in sys.argv:
        # The target imports these when it first runs, which would be too late.
        import_module("worker.model.sources.importing")

# The seeds are long: growing up to their length from one byte would take for ever.
LIMITS = ("-max_len=200000", "-len_control=0", "-rss_limit_mb=4096")


def corpus_of(target: str) -> Path:
    """Return the folder of a target's corpus, with the seeds in it if it was empty."""
    folder = Path(__file__).parent / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        for name, data in SEEDS[target]().items():
            (folder / name.replace(" ", "-")).write_bytes(data)
    return folder


def main() -> None:
    """Run until libFuzzer has done what its options say, or something is met."""
    target, *options = sys.argv[1:] or ["", "-help=1"]
    if target not in TARGETS:
        sys.exit(f"{__doc__}\nTARGET is one of {', '.join(TARGETS)}.")
    run = TARGETS[target]
    atheris.Setup(
        [sys.argv[0], *LIMITS, *options, str(corpus_of(target))],
        lambda data: (run(data), None)[1],
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()

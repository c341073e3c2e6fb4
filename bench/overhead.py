"""What queue, database and storage add to the stages themselves.

Usage: python -m bench.overhead [--clips 200] [--rounds 20] [--parts 4]

One run, one 3 s clip. First one job after the other on the warm embedded stack: of each the stages'
own compute time is known, and the rest of its time was added. Then the batch, in parts, in turn with
the same number of clips through the same stages in as many processes with neither queue nor database
(``bench/bare.py``); the ratio of the two is what the rest of the system costs.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from bench.bare import score_all
from client.stack.stack import EmbeddedStack
from shared.settings import Settings
from tests.media_factory import face_video

MEDIA_PROCESSES = 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--parts", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = face_video(Path(folder) / "clip.mp4", duration_s=3)
        settings = Settings(data_dir=Path(folder) / "data", port=0, media_children=MEDIA_PROCESSES)
        with (
            EmbeddedStack(settings) as stack,
            httpx.Client(base_url=stack.api_url, timeout=90, trust_env=False) as http,
        ):
            upload = http.post("/upload/video", content=clip.read_bytes()).json()["id"]
            for _ in range(3):
                end_of(http, post(http, upload))
            print_single(http, upload, options.rounds)
            print_batch(http, upload, clip, stack.settings, options)


def post(http: httpx.Client, upload: str, priority: str = "interactive") -> str:
    """Post a job and return its id."""
    answer = http.post("/predict", json={"video_id": upload, "priority": priority})
    answer.raise_for_status()
    return str(answer.json()["job_id"])


def end_of(http: httpx.Client, job: str) -> dict[str, Any]:
    """Return the document of a job that has succeeded."""
    while True:
        document: dict[str, Any] = http.get(f"/jobs/{job}", params={"wait": 30}).json()
        if document["status"] in {"succeeded", "failed", "cancelled"}:
            if document["error"]:
                raise RuntimeError(document["error"])
            return document


def print_single(http: httpx.Client, upload: str, rounds: int) -> None:
    """Print what is added to one clip on an idle, warm service."""
    added_ms = []
    stages_s = []
    for _ in range(rounds):
        timings = end_of(http, post(http, upload))["timings"]
        stages_s.append(sum(timings["stages"].values()))
        added_ms.append((timings["total_s"] - stages_s[-1]) * 1000)
    print(f"one 3 s clip, {rounds} times: stages {statistics.median(stages_s):.3f} s (median)")
    print(
        f"  added: {min(added_ms):.0f} / {statistics.median(added_ms):.0f} / {max(added_ms):.0f} ms"
        " (min / median / max); the aim is a median under 150 ms"
    )


def print_batch(
    http: httpx.Client, upload: str, clip: Path, settings: Settings, options: argparse.Namespace
) -> None:
    """Print what is added to a batch."""
    ratios = []
    for part in range(options.parts):
        clips = options.clips // options.parts
        service_s = score_batch(http, upload, clips)
        bare_s = score_all(settings, clip, clips, MEDIA_PROCESSES)
        ratios.append(service_s / bare_s)
        print(
            f"part {part + 1}: {clips} clips in {service_s:.1f} s,"
            f" bare stages {bare_s:.1f} s: {ratios[-1]:.3f}",
            flush=True,
        )
    print(f"batch of {options.clips}: {statistics.median(ratios):.3f} of the bare stages (median)")
    print("  the aim is under 1.05")


def score_batch(http: httpx.Client, upload: str, clips: int) -> float:
    """Score the upload so many times; return the seconds from the first POST to the last end."""
    started = time.perf_counter()
    jobs = [post(http, upload, "bulk") for _ in range(clips)]
    for job in jobs:
        end_of(http, job)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

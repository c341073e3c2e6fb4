"""What queue, database and storage add to the stages themselves.

Usage: python -m bench.overhead [--clips 200] [--rounds 20]

One run: the embedded stack with one media process, warm; a 3 s clip scored several times one after
the other, then many times as a batch. Of each job the stages' own compute time is known; the rest of
its time is overhead. In the batch the media process is the bottleneck: the share of the time in
which it computed no stage is what the rest of the system cost.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from client.stack.stack import EmbeddedStack
from shared.settings import Settings
from tests.media_factory import face_video

MEDIA_STAGES = ("ingest", "faces", "sound", "fusion")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = face_video(Path(folder) / "clip.mp4", duration_s=3)
        settings = Settings(data_dir=Path(folder) / "data", port=0, media_children=1)
        with (
            EmbeddedStack(settings) as stack,
            httpx.Client(base_url=stack.api_url, timeout=90, trust_env=False) as http,
        ):
            upload = http.post("/upload/video", content=clip.read_bytes()).json()["id"]
            for _ in range(3):
                end_of(http, post(http, upload))
            print_single(http, upload, options.rounds)
            print_batch(http, upload, options.clips)


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


def print_batch(http: httpx.Client, upload: str, clips: int) -> None:
    """Print what is added to a batch."""
    started = time.perf_counter()
    jobs = [post(http, upload, "bulk") for _ in range(clips)]
    posted_s = time.perf_counter() - started
    documents = [end_of(http, job) for job in jobs]
    wall_s = time.perf_counter() - started
    busy_s = sum(d["timings"]["stages"][name] for d in documents for name in MEDIA_STAGES)
    print(
        f"{clips} clips: posted in {posted_s:.1f} s, ended in {wall_s:.1f} s, {clips / wall_s:.2f} clips a second"
    )
    print(f"  media process in its stages: {busy_s:.1f} s")
    print(f"  added: {(wall_s / busy_s - 1) * 100:.1f} % of the stages; the aim is under 5 %")


if __name__ == "__main__":
    main()

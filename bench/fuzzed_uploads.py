"""What thousands of spoilt uploads do to a whole service.

Usage: python -m bench.fuzzed_uploads [--uploads 10000] [--seed N] [--clients 8] [--limit 60]

Small media of many containers are made wrong (fuzz/mutations.py; one in ten is left whole), uploaded as
video or audio, and scored where they are accepted. Printed are how uploads and jobs ended, and how long
requests took. Exit status 1 if an end is not typed or is the service's own fault, a request or a job takes
longer than its limit, a process of the service was restarted or lost, or anything is left behind: in
storage without a row, in the scratch folder, as a process. The seed makes the same uploads again.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import text

from bench.overhead import end_of, post
from client.stack.stack import EmbeddedStack
from fuzz.mutations import mutated, random_changes
from fuzz.seeds import SOUNDS, media
from shared.database import connect
from shared.settings import Settings
from shared.storage_choice import storage_of
from tests.media_factory import audio, face_video, voice

# Ends that no upload may bring about.
FAULTS = frozenset({"internal_error", "worker_lost", "service_unavailable", "timeout"})
REQUEST_LIMIT_S = 10.0
LONG_POLL_S = 20
WHOLE_SHARE = 0.1
WRONG_DOOR_SHARE = 0.1
# A lying clock may make hours of a fifth of a second.
MAX_DURATION_S = 20.0
SETTLE_S = 30.0
# What a pool says of a process that ended without a word.
LOST = re.compile(r"WorkerLostError|exited with exitcode|signal \d+ \(SIG")


@dataclass
class Tally:
    """What happened; shared by the threads."""

    uploads: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    requests_s: list[float] = field(default_factory=list)
    jobs_s: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, number: int, what: str) -> None:
        """Note what must not happen."""
        with self.lock:
            self.faults.append(f"upload {number}: {what}")


class Sender:
    """Makes, sends and follows uploads, each decided by the seed and its number."""

    def __init__(
        self, http: httpx.Client, tally: Tally, seeds: dict[str, bytes], seed: int, limit_s: float
    ) -> None:
        """Send to the service behind a client."""
        self._http, self._tally, self._seeds = http, tally, seeds
        self._seed, self._limit_s = seed, limit_s

    def make(self, number: int) -> tuple[str, bytes]:
        """Return the door and the bytes of an upload."""
        chance = random.Random(f"{self._seed}/{number}")  # noqa: S311 - to be repeated
        suffix = chance.choice([*self._seeds])
        data = self._seeds[suffix]
        if chance.random() > WHOLE_SHARE:
            data = mutated(data, random_changes(chance, data, [*self._seeds.values()]))
        # So that equal bytes are not one upload.
        data += number.to_bytes(4) if data else b""
        is_sound = suffix in {*SOUNDS, "m4a", "aac", "voice"}
        return ("audio" if is_sound != (chance.random() < WRONG_DOOR_SHARE) else "video"), data

    def send(self, number: int) -> None:
        """Send an upload, and score it if it is accepted."""
        try:
            self._send(number)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            self._tally.fault(number, f"no answer to be read: {error!r}")

    def _send(self, number: int) -> None:
        kind, data = self.make(number)
        answer = self._request(number, "POST", f"/upload/{kind}", content=data)
        if answer.is_error:
            self._count(self._tally.uploads, number, f"{answer.status_code} {answer.json()['code']}")
            return
        self._count(self._tally.uploads, number, f"{answer.status_code}")
        body = {f"{kind}_id": answer.json()["id"], "priority": "bulk"}
        answer = self._request(number, "POST", "/predict", json=body)
        if answer.is_error:
            self._count(self._tally.uploads, number, f"predict {answer.status_code} {answer.json()['code']}")
            return
        self._follow(number, f"/jobs/{answer.json()['job_id']}")

    def _follow(self, number: int, path: str) -> None:
        started = time.monotonic()
        while True:
            document = self._request(
                number, "GET", path, more_s=LONG_POLL_S, params={"wait": LONG_POLL_S}
            ).json()
            took_s = time.monotonic() - started
            if document["status"] in {"succeeded", "failed", "cancelled"}:
                break
            if took_s > self._limit_s:
                self._tally.fault(number, f"{path} has not ended after {took_s:.0f} s")
                return
        error = document["error"]
        self._count(self._tally.jobs, number, error["code"] if error else document["status"])
        with self._tally.lock:
            self._tally.jobs_s.append(took_s)
        # Every other one stays, as in a service that is used.
        if number % 2:
            self._request(number, "DELETE", path)

    def _request(
        self, number: int, method: str, path: str, *, more_s: float = 0, **options: Any
    ) -> httpx.Response:
        started = time.monotonic()
        answer = self._http.request(method, path, **options)
        took_s = time.monotonic() - started
        if took_s > REQUEST_LIMIT_S + more_s:
            self._tally.fault(number, f"{method} {path} took {took_s:.1f} s")
        if answer.is_server_error:
            self._tally.fault(number, f"{method} {path} answered {answer.status_code}: {answer.text[:200]}")
        if not more_s:
            with self._tally.lock:
                self._tally.requests_s.append(took_s)
        return answer

    def _count(self, counter: Counter[str], number: int, end: str) -> None:
        with self._tally.lock:
            counter[end] += 1
        if end.rpartition(" ")[2] in FAULTS:
            self._tally.fault(number, f"ended in {end}")


class Watch:
    """What a service has before, and may not have more of after."""

    def __init__(self, stack: EmbeddedStack, scratch: Path, logs: Path) -> None:
        """Look at a service that is warm and idle."""
        self._stack, self._scratch, self._logs = stack, scratch, logs
        self._pids = stack.pids()
        self._children = self._count_children()
        self._files = self._names()

    def faults(self) -> list[str]:
        """Return what is left or was lost; what ends by itself is given a while."""
        until = time.monotonic() + SETTLE_S
        while (found := self._look()) and time.monotonic() < until:
            time.sleep(1)
        return found + self._lost()

    def _look(self) -> list[str]:
        found = [
            f"{name} was restarted" for name, pid in self._pids.items() if self._stack.pids().get(name) != pid
        ]
        children = self._count_children()
        found += [
            f"{count} more of the process {name}" for name, count in (children - self._children).items()
        ]
        found += [f"left in the scratch folder: {name}" for name in sorted(self._names() - self._files)]
        return found + [f"in storage, and no row knows it: {name}" for name in sorted(self._orphans())]

    def _count_children(self) -> Counter[str]:
        names: Counter[str] = Counter()
        for service in ("api", "media", "express", "inference", "janitor"):
            if service in self._pids:
                for child in psutil.Process(self._pids[service]).children(recursive=True):
                    names[f"{child.name()} of {service}"] += 1
        return names

    def _names(self) -> set[str]:
        return {path.name for path in self._scratch.iterdir()}

    def _orphans(self) -> set[str]:
        storage, engine = storage_of(self._stack.settings), connect(self._stack.settings, pool_size=1)
        with engine.connect() as connection:
            known = {
                f"{table}/{row.id}"
                for table in ("uploads", "jobs")
                for row in connection.execute(text(f"SELECT id FROM {table}"))  # noqa: S608 - our own names
            }
            half = connection.scalar(text("SELECT count(*) FROM uploads WHERE state = 'receiving'"))
        engine.dispose()
        there = {f"{folder}/{name}" for folder in ("uploads", "jobs") for name in storage.names(folder)}
        return (there - known) | ({f"{half} uploads half received"} if half else set())

    def _lost(self) -> list[str]:
        return [
            f"{path.name} says: {line.strip()[:200]}"
            for path in sorted(self._logs.glob("*.log"))
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
            if LOST.search(line)
        ]


def make_seeds(folder: Path) -> dict[str, bytes]:
    """Return the media that are made wrong: those of the fuzz targets, a face and a voice."""
    face = face_video(folder / "face.mp4", duration_s=0.4)
    web = face_video(folder / "face.webm", duration_s=0.4)
    speech = audio(folder / "voice.wav", wave=voice(0.5, rate=16_000), rate=16_000)
    named = {"face.mp4": face, "face.webm": web, "voice": speech}
    return media() | {name: path.read_bytes() for name, path in named.items()}


def report(tally: Tally, took_s: float) -> None:
    """Print what happened."""
    for name, ends in (("uploads", tally.uploads), ("jobs", tally.jobs)):
        print(f"{name}: {ends.total()}")
        for end, count in ends.most_common():
            print(f"{count:8} {end}")
    for name, times in (("requests", tally.requests_s), ("jobs", tally.jobs_s)):
        if times:
            middle, most = statistics.median(times), max(times)
            print(f"{name}: {middle:.3f} s at the median, {most:.3f} s at most")
    print(f"{took_s:.0f} s in all, {tally.uploads.total() / took_s:.1f} uploads a second")


def main() -> int:
    """Send, print, and look for what is left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--uploads", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--limit", type=float, default=60, help="seconds that a job may take")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="avemotion-bench-") as name:
        folder = Path(name)
        scratch = folder / "scratch"
        scratch.mkdir()
        seeds = make_seeds(folder)
        settings = Settings(
            data_dir=folder / "data", port=0, scratch_dir=scratch, max_duration_s=MAX_DURATION_S
        )
        with (
            EmbeddedStack(settings) as stack,
            httpx.Client(base_url=stack.api_url, timeout=90, trust_env=False) as http,
        ):
            warm = http.post("/upload/video", content=seeds["face.mp4"]).json()["id"]
            for priority in ("interactive", "bulk"):
                end_of(http, post(http, warm, priority))
            watch = Watch(stack, scratch, stack.folder.log_dir)
            sender = Sender(http, tally, seeds, options.seed, options.limit)
            started = time.monotonic()
            with ThreadPoolExecutor(options.clients) as pool:
                for done, _ in enumerate(pool.map(sender.send, range(options.uploads)), start=1):
                    if done % 500 == 0:
                        print(f"{done} after {time.monotonic() - started:.0f} s", flush=True)
            report(tally, time.monotonic() - started)
            faults = tally.faults + watch.faults()
            # The service goes on.
            end_of(http, post(http, warm))
    for fault in faults[:50]:
        print(f"FAULT {fault}")
    print(f"{len(faults)} faults; seed {options.seed}")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())

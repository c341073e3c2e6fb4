"""Clients that do not give up: each posts a clip, and asks again until it knows the end of its job."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from bench.faults.clips import Clips

ENDED = {"succeeded", "failed", "cancelled"}
# What a service may say while a part of it is away.
AWAY = 503
PAUSE_S = 0.2
POLL_S = 10
TIMEOUT_S = 30.0
CREATED = {200, 201, 202}


@dataclass(frozen=True)
class Crowd:
    """What all clients share.

    Attributes:
        api_url: Of the service.
        clips: What they post.
        webhook_url: Whom the service is to tell of each end.
        run: Begins every key.
        limit_s: Time in which each job has to end.
    """

    api_url: str
    clips: Clips
    webhook_url: str
    run: str
    limit_s: float

    def key(self, number: int) -> str:
        """Return the ``Idempotency-Key`` of a job."""
        return f"{self.run}-{number}"


class TooLateError(Exception):
    """The service did not do in time what was asked."""


class Clients:
    """Some threads that share the work.

    Attributes:
        told: What the service said of the end of each job.
        late: Jobs whose end did not come in time.
        answers: How often each answer came that made a client ask again.
        wrong: Answers that no fault explains.
    """

    def __init__(self, crowd: Crowd) -> None:
        """Prepare."""
        self.told: list[dict[str, Any]] = []
        self.late: list[int] = []
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._crowd = crowd
        self._guard = threading.Lock()

    def run(self, jobs: int, count: int) -> None:
        """Have ``count`` clients do so many jobs, and return when all have ended or are late."""
        numbers = iter(range(jobs))
        threads = [threading.Thread(target=self._work, args=(numbers,), daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, numbers: Iterator[int]) -> None:
        with httpx.Client(base_url=self._crowd.api_url, timeout=TIMEOUT_S, trust_env=False) as http:
            while True:
                with self._guard:
                    number = next(numbers, None)
                if number is None:
                    return
                try:
                    told = self._score(http, number)
                except TooLateError:
                    with self._guard:
                        self.late.append(number)
                else:
                    with self._guard:
                        self.told.append(told)

    def _score(self, http: httpx.Client, number: int) -> dict[str, Any]:
        crowd, deadline = self._crowd, time.monotonic() + self._crowd.limit_s
        clip, key = crowd.clips.content(number), crowd.key(number)
        upload = self._ask(http, deadline, "POST", "/upload/video", content=clip)
        body = {
            "video_id": upload["id"],
            # Every third is a person's: both ways through the service are taken.
            "priority": "interactive" if number % 3 == 0 else "bulk",
            "webhook_url": crowd.webhook_url,
        }
        posted = self._ask(http, deadline, "POST", "/predict", json=body, headers={"Idempotency-Key": key})
        job = posted
        while job["status"] not in ENDED:
            # Where too many wait already, the answer comes at once.
            time.sleep(PAUSE_S)
            job = self._ask(http, deadline, "GET", f"/jobs/{posted['job_id']}", params={"wait": POLL_S})
        return {
            "key": key,
            "job_id": job["job_id"],
            "status": job["status"],
            "windows": len(job["windows"]),
            "finished_at": job["finished_at"],
        }

    def _ask(self, http: httpx.Client, deadline: float, method: str, path: str, **request: Any) -> Any:
        """Return what the service answers at last.

        Raises:
            TooLateError: It did not before the deadline.
        """
        call = f"{method} /{path.split('/')[1]}"
        while time.monotonic() < deadline:
            try:
                answer = http.request(method, path, **request)
            except httpx.TransportError as error:
                self._note(f"{call}: {type(error).__name__}")
            else:
                if answer.status_code in CREATED:
                    return answer.json()
                self._note(f"{call}: {answer.status_code}", None if answer.status_code == AWAY else answer)
            time.sleep(PAUSE_S)
        raise TooLateError

    def _note(self, what: str, wrong: httpx.Response | None = None) -> None:
        with self._guard:
            self.answers[what] += 1
            if wrong is not None:
                self.wrong.append(f"{what} {wrong.text[:300]}")

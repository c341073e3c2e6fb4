"""The service as a client sees it, over HTTP alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Self

import httpx

ENDED = ("succeeded", "failed", "cancelled")
POLL_S = 0.2


class Service:
    """A client that goes on through short absences of the API or what stands behind it."""

    def __init__(self, url: str, key: str) -> None:
        """Talk to ``url`` with an API key."""
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=httpx.Timeout(60)
        )

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._http.close()

    def submit(self, clip: Path) -> str:
        """Upload a clip and ask for its score; return the job's id."""
        with clip.open("rb") as stream:
            upload = self._http.post("/upload/video", content=stream, headers={"Content-Type": "video/mp4"})
        # The same bytes again give the same upload, which is no creation.
        assert upload.status_code in (200, 201), upload.text
        job = self._http.post("/predict", json={"video_id": upload.json()["id"]})
        assert job.status_code == 202, job.text
        return str(job.json()["job_id"])

    def job(self, job_id: str) -> dict[str, Any] | None:
        """Return a job's document; ``None`` while the service is not able to tell."""
        try:
            answer = self._http.get(f"/jobs/{job_id}")
        except httpx.TransportError:
            return None
        if answer.status_code == 503:
            return None
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def wait_half_done(self, job_id: str, *, limit_s: float) -> None:
        """Wait until some of a job's segments are done; fail if all are."""
        give_up = time.monotonic() + limit_s
        while time.monotonic() < give_up:
            job = self.job(job_id)
            if job and job["segments"]["done"]:
                assert job["status"] == "running", job
                return
            time.sleep(POLL_S)
        raise AssertionError(f"no segment was done within {limit_s} s: {job}")

    def wait_ended(self, job_id: str, *, limit_s: float) -> dict[str, Any]:
        """Return a job's document once the job has ended."""
        give_up = time.monotonic() + limit_s
        while time.monotonic() < give_up:
            job = self.job(job_id)
            if job and job["status"] in ENDED:
                return job
            time.sleep(POLL_S)
        raise AssertionError(f"the job did not end within {limit_s} s: {job}")

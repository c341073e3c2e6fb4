"""A service that has been used for a while: jobs, batches and uploads in each state that they can have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from shared.storage import Storage
from shared.tables import JobStatus, Segment, StageName
from tests.integration.api.batches.conftest import fail, succeed
from tests.integration.api.conftest import Client, sound, video
from tests.integration.api.rows import add_output, add_segment, change

RULES = [{"when": "anger", "over": 0.5}]
PICTURE = b"\x89PNG\r\n\x1a\n"
TABLE = b"frame,timestamp\n0,0.0\n"


@dataclass
class Population:
    """Ids of what is there.

    Attributes:
        jobs: Of jobs in every state.
        batches: Of batches, open and closed.
        videos: Of uploaded videos.
        sounds: Of uploaded sounds.
        hashes: SHA-256 of what was uploaded both as a video and for its sound.
    """

    jobs: list[str] = field(default_factory=list)
    batches: list[str] = field(default_factory=list)
    videos: list[str] = field(default_factory=list)
    sounds: list[str] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)


@dataclass
class Populator:
    """Fills a service through its API and, as workers would, behind it."""

    client: Client
    engine: Engine
    storage: Storage
    headers: dict[str, str]

    def fill(self, times: int) -> Population:
        """Make everything in every state ``times`` times."""
        found = Population()
        for number in range(times):
            self._add(found, f"{number}")
        return found

    def _send(self, path: str, **more: Any) -> Any:
        answer = self.client.post(path, headers=self.headers, **more)
        assert answer.status_code in {200, 201, 202}, answer.json
        return answer.json

    def _add(self, found: Population, mark: str) -> None:
        found.videos.append(self._send("/upload/video", data=video(mark))["id"])
        found.sounds.append(self._send("/upload/audio", data=sound(mark))["id"])
        found.hashes.append(self._send("/upload/audio", data=video(mark))["sha256"])
        body = {"video_id": found.videos[-1], "rules": RULES}
        queued, running, failed, cancelled, succeeded = [self._send("/predict", json=body) for _ in range(5)]
        add_segment(self.engine, UUID(running["job_id"]))
        fail(self.engine, failed)
        change(self.engine, UUID(cancelled["job_id"]), status=JobStatus.CANCELLED)
        self._succeed(succeeded)
        found.jobs += [job["job_id"] for job in (queued, running, failed, cancelled, succeeded)]
        batches = [self._send("/batches", json={"name": mark})["batch_id"] for _ in range(2)]
        chunk = {"jobs": [{**body, "reference": f"clip {each}"} for each in range(3)]}
        first, second, _ = self._send(f"/batches/{batches[0]}/jobs", json=chunk)["jobs"]
        self._send(f"/batches/{batches[0]}/close")
        self._succeed(first)
        fail(self.engine, second)
        found.batches += batches

    def _succeed(self, job: dict[str, Any]) -> None:
        """Let a job have ended well, with all that its stages leave."""
        job_id = succeed(self.engine, job)
        with Session(self.engine) as session:
            segments = list(session.scalars(select(Segment.id).where(Segment.job_id == job_id)))
        for segment_id in segments:
            for stage, files in (
                (StageName.FACES, {"faces_csv": TABLE}),
                (StageName.SOUND, {"mel_png": PICTURE, "mfcc_png": PICTURE}),
                (StageName.FUSION, {"sequence_png": PICTURE}),
            ):
                add_output(self.engine, self.storage, segment_id, stage, **files)

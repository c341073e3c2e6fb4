"""Requests for jobs, and the result document.

``GET /jobs/{id}``, the artifact ``result.json`` and ``avemotion run --json`` carry the same document.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.catalog.config import FusionName
from shared.tables import JobStatus, Priority

Share = Annotated[float, Field(ge=0, le=1)]
Affect = Annotated[float, Field(ge=-1, le=1)]
Modality = Literal["video", "audio"]
AnalyzerName = Literal["landmarker", "openface"]


class JobRequest(BaseModel):
    """Body of ``POST /predict``."""

    model_config = ConfigDict(extra="forbid")

    video_id: UUID | None = Field(None, description="Upload with the face; its own sound is used too.")
    audio_id: UUID | None = Field(None, description="Upload with the voice, in place of the video's sound.")
    fusion: FusionName | None = Field(
        None, description="How face and voice are joined; that of the model when unset."
    )
    analyzer: AnalyzerName | None = Field(
        None, description="What sees the faces; the service's own choice when unset."
    )
    model: str | None = Field(
        None,
        max_length=128,
        description="Model id of `GET /models`, of that fusion. When unset: the one listed there for the "
        "fusion, or the default.",
    )
    window_s: float | None = Field(None, ge=0.25, le=30, description="Length of one window.")
    stride_s: float | None = Field(
        None, ge=0.1, le=60, description="Step between windows; the window's length when unset."
    )
    priority: Priority = Field(Priority.INTERACTIVE, description="`bulk` work waits for `interactive`.")

    @model_validator(mode="after")
    def _has_media(self) -> JobRequest:
        if self.video_id is None and self.audio_id is None:
            raise ValueError("give a video_id, an audio_id, or both")
        return self


class JobError(BaseModel):
    """Why a job failed."""

    code: str
    message: str


class JobWarning(BaseModel):
    """What a reader of the result should know."""

    code: str
    message: str


class Segments(BaseModel):
    """How many of the job's segments have been scored."""

    done: int
    total: int


class Options(BaseModel):
    """The request's options with every default filled in."""

    video_id: UUID | None
    audio_id: UUID | None
    fusion: FusionName
    analyzer: AnalyzerName
    model: str
    window_s: float
    stride_s: float
    priority: Priority


class Summary(BaseModel):
    """The clip as a whole: windows weighted by face coverage and voice activity."""

    emotion: str
    probabilities: dict[str, Share]
    valence: Affect
    arousal: Affect
    confidence: Share = Field(description="Probability of the emotion named.")


class WindowResult(BaseModel):
    """One window; without face and voice it has no scores."""

    start_s: float
    end_s: float
    probabilities: dict[str, Share] | None
    valence: Affect | None
    arousal: Affect | None
    modalities: list[Modality]
    face_coverage: Share | None
    voice_activity: Share | None


class ModelInfo(BaseModel):
    """What made the numbers."""

    id: str
    preset: str
    fusion: str
    labels: list[str]
    weights_sha256: str | None
    trained: bool
    card_url: str
    metrics: dict[str, float] = Field(
        {}, description="Key figures of its card: accuracy (`war`), mean recall (`uar`), calibration error."
    )


class AnalyzerInfo(BaseModel):
    """What saw the faces."""

    name: str
    version: str
    faces_found: int = Field(description="Most faces seen in one frame.")
    usable_frames: int = Field(description="Frames with a usable face.")
    frames: int = Field(description="Frames looked at.")
    reliability: dict[str, float] | None = Field(
        None,
        description="How well each action unit that is estimated follows OpenFace's, as Pearson's r of a "
        "recorded clip; null for OpenFace itself.",
    )


class MediaInfo(BaseModel):
    """The media as probed."""

    duration_s: float
    fps: float | None
    width: int | None
    height: int | None
    sample_rate: int | None


class Timings(BaseModel):
    """Where the time went."""

    queue_s: float | None = Field(description="From acceptance to the first worker.")
    stages: dict[str, float] = Field(description="Compute seconds by stage, summed over segments.")
    total_s: float | None = Field(description="From acceptance to the end.")


class JobDocument(BaseModel):
    """A job: its state, and its result as far as it is known."""

    job_id: UUID
    status: JobStatus
    stage: str | None
    progress: Share
    segments: Segments
    attempt: int
    batch_id: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    options: Options
    error: JobError | None
    summary: Summary | None
    windows: list[WindowResult]
    model: ModelInfo | None
    analyzer: AnalyzerInfo | None
    modalities: list[Modality]
    warnings: list[JobWarning]
    timings: Timings
    media: MediaInfo | None


class JobPage(BaseModel):
    """One page of a listing, newest first; windows are left out."""

    jobs: list[JobDocument]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null on the last.")

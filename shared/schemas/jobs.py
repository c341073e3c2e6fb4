"""Requests for jobs, and the result document.

``GET /jobs/{id}``, the artifact ``result.json`` and ``avemotion run --json`` carry the same document.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.catalog.config import FusionName
from shared.schemas.codes import Code, Warned, listed
from shared.schemas.rules import Alert, Number, Rule, Rules
from shared.schemas.webhooks import WebhookInfo, WebhookUrl
from shared.tables import JobStatus, Priority, StageName

Share = Annotated[float, Field(ge=0, le=1)]
Affect = Annotated[float, Field(ge=-1, le=1)]
Modality = Literal["video", "audio"]
AnalyzerName = Literal["landmarker", "openface"]
Stage = Annotated[str, listed(*StageName)]


class JobRequest(BaseModel):
    """Body of ``POST /predict``."""

    model_config = ConfigDict(
        extra="forbid",
        # In `allOf`, which generators of types take for a condition beside the fields.
        json_schema_extra={
            "allOf": [
                {
                    "anyOf": [
                        {"required": [name], "properties": {name: {"type": "string", "format": "uuid"}}}
                        for name in ("video_id", "audio_id")
                    ]
                }
            ],
            "example": {
                "video_id": "01980a4e-7c1b-7d52-9a0e-3f1c5a9b2d10",
                "rules": [{"when": "anger", "over": 0.6, "for_s": 4}],
            },
        },
    )

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
    window_s: Number | None = Field(None, ge=0.25, le=30, description="Length of one window.")
    stride_s: Number | None = Field(
        None, ge=0.1, le=60, description="Step between windows; the window's length when unset."
    )
    priority: Priority = Field(Priority.INTERACTIVE, description="`bulk` work waits for `interactive`.")
    rules: Rules = Field([], description="What is told as `alerts`: spans in which a level is over a bound.")
    webhook_url: WebhookUrl | None = Field(None, description="Who is told of the end of the job.")

    @model_validator(mode="after")
    def _has_media(self) -> JobRequest:
        if self.video_id is None and self.audio_id is None:
            raise ValueError("give a video_id, an audio_id, or both")
        return self


class JobError(BaseModel):
    """Why a job failed."""

    code: Code = Field(description="Stable code.")
    message: str = Field(description="A sentence for people.")


class JobWarning(BaseModel):
    """What a reader of the result should know."""

    code: Warned = Field(description="Stable code.")
    message: str = Field(description="A sentence for people.")


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
    rules: list[Rule]


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
    width: int | None = Field(
        None, description="Of the pictures that it saw, in whose pixels `faces.csv` has the landmarks."
    )
    height: int | None = Field(None, description="The same.")


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
    status: JobStatus = Field(description="The last three are ends.")
    stage: Stage | None = Field(description="The stage that was last begun; null before and after.")
    progress: Share = Field(description="Share of the work that is done.")
    segments: Segments
    attempt: int = Field(description="Grows from 1 with each time the job is begun anew.")
    batch_id: UUID | None = Field(description="The batch that it belongs to.")
    reference: str | None = Field(description="The client's name for the job in its batch.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    options: Options
    error: JobError | None = Field(description="Why it failed; null unless it has.")
    summary: Summary | None = Field(description="The result; null until it has succeeded.")
    windows: list[WindowResult] = Field(description="Those scored so far, in the order of time.")
    alerts: list[Alert] = Field(description="Where the request's rules held, as far as is known yet.")
    model: ModelInfo | None = Field(description="What made the numbers; null until there are some.")
    analyzer: AnalyzerInfo | None = Field(description="What saw the faces; null until it has.")
    modalities: list[Modality] = Field(description="What was used of the clip.")
    warnings: list[JobWarning]
    timings: Timings
    media: MediaInfo | None = Field(description="The media as probed; null until they are.")
    webhook: WebhookInfo | None = Field(description="What became of its webhook, if it has one.")


class JobPage(BaseModel):
    """One page of a listing, newest first; windows and alerts are left out."""

    jobs: list[JobDocument]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null on the last.")

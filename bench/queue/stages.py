"""Stages that do nothing but sleep, with results of the shape that the real ones give.

They stand in for the real ones in benches of the queue only: no result of theirs says anything of a clip.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from shared.catalog import ModelCard
from shared.settings import get_settings
from shared.tables import StageName
from worker.assignment import Assignment
from worker.fusion import FusedWindows
from worker.model.engine import Predictions
from worker.runner import Result, Work
from worker.segments import Cut
from worker.stages.fusion import open_windows
from worker.stages.model_card import card_of
from worker.toolkit import Toolkit
from worker.window_lease import BatchClaim
from worker.windows import plan_segments, plan_windows

STAGE_S = "AVEMOTION_BENCH_STAGE_S"
"""Variable of the environment: how long each of them sleeps."""
DURATION_S = 2.0
AHEAD = (StageName.FACES, StageName.SOUND, StageName.FUSION, StageName.INFERENCE)


def work_of(name: StageName) -> Work:
    """Return the stand-in of a stage."""
    return {
        StageName.INGEST: ingest,
        StageName.FACES: faces,
        StageName.SOUND: sound,
        StageName.FUSION: fusion,
    }[name]


def ingest(assignment: Assignment, kit: Toolkit, checkpoint: Callable[[], None]) -> Result:
    """Plan a clip of one window."""
    _take_time(checkpoint)
    job = assignment.job
    plans = plan_segments(plan_windows(DURATION_S, job.window_s, job.stride_s), kit.settings.segment_s)
    changes = {
        "media": {"duration_s": DURATION_S, "fps": 25, "width": 640, "height": 360, "sample_rate": 16000},
        "model_info": _card(job.model).in_results(),
        "segments_total": len(plans),
        "stages_total": 1 + len(AHEAD) * len(plans),
    }
    return Result({}, changes, cut=Cut(plans, AHEAD))


def faces(_assignment: Assignment, _kit: Toolkit, checkpoint: Callable[[], None]) -> Result:
    """Say that a face was in all frames."""
    _take_time(checkpoint)
    analyzer = {"name": "none", "version": "0"}
    return Result({"analyzer": analyzer, "warnings": [], "frames": 50, "usable_frames": 50, "most_faces": 1})


def sound(_assignment: Assignment, _kit: Toolkit, checkpoint: Callable[[], None]) -> Result:
    """Say that somebody spoke."""
    _take_time(checkpoint)
    return Result({"silent": False, "voice_activity": [1.0]})


def fusion(assignment: Assignment, _kit: Toolkit, checkpoint: Callable[[], None]) -> Result:
    """Make the windows ready, with nothing in them."""
    _take_time(checkpoint)
    count = len(assignment.windows)
    nothing = np.zeros((count, 0), np.uint8)
    fused = FusedWindows({}, [("audio", "video")] * count, np.ones(count, np.float32), nothing)

    def write(session: Session) -> None:
        open_windows(session, assignment.span, fused, np.ones(count, np.float32))

    return Result({"inputs": {}}, write=write)


@dataclass(frozen=True)
class NoModel:
    """Stands in for a model: every label is as likely as any other.

    Attributes:
        card: Whose model it is taken for.
    """

    card: ModelCard

    @property
    def weights_sha256(self) -> str:
        """Return the hash that jobs of this model were promised."""
        return str(self.card.in_results()["weights_sha256"])

    def predict(self, inputs: dict[str, NDArray[Any]]) -> Predictions:
        """Return the same for each window."""
        _take_time(lambda: None)
        count, labels = len(inputs["index"]), len(self.card.labels)
        even = np.full((count, labels), 1 / labels, np.float32)
        return Predictions(even, np.zeros(count, np.float32), np.zeros(count, np.float32))

    def warm_up(self) -> None:
        """Load nothing."""


@cache
def no_model(model: str) -> NoModel:
    """Return the stand-in of a model."""
    return NoModel(_card(model))


def no_inputs(batch: BatchClaim, _kit: Toolkit) -> dict[str, NDArray[Any]]:
    """Return which windows a batch holds, and read nothing."""
    return {"index": np.array([window.index for window in batch.windows])}


@cache
def _card(model: str) -> ModelCard:
    return card_of(model, get_settings())


def _take_time(checkpoint: Callable[[], None]) -> None:
    time.sleep(float(os.environ.get(STAGE_S, "0")))
    checkpoint()

"""``fusion``: join what was seen and heard into the model's inputs, one a window."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Table, bindparam, update
from sqlalchemy.orm import Session

from shared.catalog import ModelCard
from shared.errors import AvemotionError, ErrorCode
from shared.lifecycle import lock_job
from shared.tables import Prediction, Segment, StageName, WorkStatus
from worker.arrays import StoredArray, read_array, write_array
from worker.assignment import Assignment
from worker.audio.features import load
from worker.audio.images import encode_png, sequence_sheet
from worker.conclusion import close_segments
from worker.faces.segment import window_frames
from worker.fusion import FUSIONS, FusedWindows, Heard, Seen
from worker.fusion.segment import heard_in, rows_of, seen_nothing
from worker.runner import Result
from worker.stages.model_card import card_of
from worker.stages.segment import segment_of
from worker.toolkit import Toolkit


def run(assignment: Assignment, kit: Toolkit, checkpoint: Callable[[], None]) -> Result:
    """Fuse the segment's windows and hand them to the model's queue.

    Raises:
        AvemotionError: The model is not here any more, or is not the one that the job was made for.
    """
    card = card_of(assignment.job.model, kit.settings)
    if card.fusion != assignment.job.fusion:
        raise AvemotionError(
            ErrorCode.MODEL_UNAVAILABLE,
            f"The model {card.id} knows {card.fusion} fusion now, and the job was made for one of "
            f"{assignment.job.fusion} fusion.",
        )
    seen = _seen(assignment, kit, card)
    checkpoint()
    heard, activity = _heard(assignment, kit, card)
    checkpoint()
    fused = FUSIONS[card.fusion](seen, heard, card)
    inputs = {
        name: write_array(kit.storage, f"{assignment.prefix}/{name}.npy", array).to_json()
        for name, array in fused.inputs.items()
    }
    sheet = f"{assignment.prefix}/sequence.png"
    kit.storage.write(sheet, encode_png(sequence_sheet(fused.shown)))

    def write(session: Session) -> None:
        open_windows(session, assignment.span, fused, activity)
        job = None if any(fused.modalities) else lock_job(session, assignment.job.id)
        if job is not None:
            close_segments(session, [job], [assignment.span.id], kit.settings)

    return Result({"inputs": inputs, "sequence_png": sheet}, write=write)


def _seen(assignment: Assignment, kit: Toolkit, card: ModelCard) -> Seen:
    """Return what the faces stage has found; nothing where the job has no picture."""
    faces = assignment.outputs.get(StageName.FACES)
    if faces is None:
        return seen_nothing(len(assignment.windows), card)
    rows = rows_of(window_frames(segment_of(assignment), card, kit.settings), faces["keep"])
    arrays = {
        name: read_array(kit.storage, StoredArray.from_json(faces[name]))
        for name in ("crops", "series")
        if name in faces
    }
    return Seen(arrays["crops"], np.array(faces["found"], np.bool_), rows, arrays.get("series"))


def _heard(assignment: Assignment, kit: Toolkit, card: ModelCard) -> tuple[Heard, NDArray[np.float32]]:
    """Return what the model takes of each window's sound, and the share of the window that holds a voice."""
    sound, windows = assignment.outputs.get(StageName.SOUND), assignment.windows
    if sound is None or sound["silent"]:
        silence = np.zeros(len(windows), np.float32)
        return heard_in(windows, None, silence, card), silence
    activity = np.array(sound["voice_activity"], np.float32)
    return heard_in(windows, load(kit.storage.read(sound["features"])), activity, card), activity


# Built once; the table, not its class: nobody needs the objects.
_WINDOWS = cast("Table", Prediction.__table__)
_OPEN = (
    update(_WINDOWS)
    .where(_WINDOWS.c.segment_id == bindparam("segment"), _WINDOWS.c.index == bindparam("place"))
    .values(
        {name: bindparam(f"{name}_") for name in ("status", "modalities", "face_coverage", "voice_activity")}
    )
)


def open_windows(
    session: Session, segment: Segment, fused: FusedWindows, activity: NDArray[np.float32]
) -> None:
    """Make the segment's windows ready for the model; those with neither face nor voice are skipped."""
    session.connection().execute(
        _OPEN,
        [
            {
                "segment": segment.id,
                "place": place,
                "status_": WorkStatus.READY if modalities else WorkStatus.SKIPPED,
                "modalities_": sorted(modalities, reverse=True),
                "face_coverage_": float(coverage),
                "voice_activity_": float(voice),
            }
            for place, (modalities, coverage, voice) in enumerate(
                zip(fused.modalities, fused.face_coverage, activity, strict=True)
            )
        ],
    )

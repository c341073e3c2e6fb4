"""What artifacts hold: files of the stages as they are, and tables made from rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select

from api.answers import encode
from api.polling import job_missing
from api.services import Services
from shared.database import transact
from shared.errors import AvemotionError, ErrorCode
from shared.storage import Storage
from shared.tables import Segment, Stage, StageName, WorkStatus

PIECE_BYTES = 256 * 1024
# Where the stages' outputs name the files that clients may fetch.
PICTURES = {
    "mel.png": (StageName.SOUND, "mel_png"),
    "mfcc.png": (StageName.SOUND, "mfcc_png"),
    "sequence.png": (StageName.FUSION, "sequence_png"),
}
FACES = (StageName.FACES, "faces_csv")
WINDOW_COLUMNS = ("valence", "arousal", "modalities", "face_coverage", "voice_activity")


class Stored(NamedTuple):
    """An artifact that is one file of storage, as it is."""

    key: str


def open_artifact(
    job_id: UUID, name: str, segment: int, owner_id: UUID | None, kit: Services
) -> Iterable[bytes] | Stored:
    """Return the content of an artifact, or the file that holds it.

    Raises:
        AvemotionError: There is no such job or artifact, or it is not there yet.
    """
    read = kit.reader.document(job_id, owner_id)
    if read is None:
        raise job_missing(job_id)
    state, document = read
    if name == "result.json":
        if not state.ended:
            raise absent("The job has not ended yet; its result is there when it has.")
        return [encode(document).encode()]
    if name == "timeline.csv":
        return [timeline(document).encode()]
    if name == "faces.csv":
        keys = output_keys(kit, job_id, *FACES)
        if not keys or len(keys) < document["segments"]["total"]:
            raise absent("The table of faces is there when every segment's has been made.")
        if len(keys) == 1:
            return Stored(*keys.values())
        return joined_tables(kit.storage, [keys[index] for index in sorted(keys)])
    if name in PICTURES:
        key = output_keys(kit, job_id, *PICTURES[name]).get(segment)
        if key is None:
            raise absent(f"There is no {name} of segment {segment}, or not yet.")
        return Stored(key)
    raise absent(
        f"There is no such artifact; there are faces.csv, timeline.csv, result.json, {', '.join(PICTURES)}."
    )


def absent(message: str) -> AvemotionError:
    """Return the error for an artifact that is not there."""
    return AvemotionError(ErrorCode.NOT_FOUND, message)


def output_keys(kit: Services, job_id: UUID, stage: StageName, name: str) -> dict[int, str]:
    """Return by segment index where a stage's finished outputs are stored."""
    done = (
        select(Segment.index.label("position"), Stage.output)
        .join(Stage, Stage.segment_id == Segment.id)
        .where(Stage.job_id == job_id, Stage.name == stage, Stage.status == WorkStatus.DONE)
    )
    rows = transact(kit.engine, lambda session: session.execute(done).all())
    return {row.position: row.output[name] for row in rows if row.output and name in row.output}


def not_kept() -> AvemotionError:
    """Return the error for a file that was there once: of a job that failed, or to make room."""
    return AvemotionError(
        ErrorCode.ARTIFACT_GONE, "This file is not kept any more; the result of its job still is."
    )


def joined_tables(storage: Storage, keys: list[str]) -> Iterator[bytes]:
    """Return CSV files as one, with the header of the first, piece by piece."""
    pieces = (
        piece for position, key in enumerate(keys) for piece in _table(storage, key, skip_header=position > 0)
    )
    try:
        # The first piece is read now: what is missing can still be said.
        first = next(pieces, b"")
    except FileNotFoundError:
        raise not_kept() from None
    return chain([first], pieces)


def _table(storage: Storage, key: str, *, skip_header: bool) -> Iterator[bytes]:
    with storage.reader(key) as stream:
        if skip_header:
            stream.readline()
        while piece := stream.read(PIECE_BYTES):
            yield piece


def timeline(document: dict[str, Any]) -> str:
    """Return the windows of a job's document as CSV; what is not known is empty."""
    windows = document["windows"]
    labels = list((document["model"] or {}).get("labels", []))
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["start_s", "end_s", *(f"p_{label}" for label in labels), *WINDOW_COLUMNS])
    for window in windows:
        probabilities = window["probabilities"] or {}
        row = {**window, "modalities": "+".join(window["modalities"])}
        writer.writerow(
            [
                window["start_s"],
                window["end_s"],
                *(probabilities.get(label) for label in labels),
                *(row[name] for name in WINDOW_COLUMNS),
            ]
        )
    return table.getvalue()

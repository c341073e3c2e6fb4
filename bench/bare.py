"""The stages of a job with neither queue nor database: what the service is measured against.

The same step functions, in as many processes, on the same kind of storage: media processes work on
one clip after the other and hand its windows to one model process, which runs what has come in
batches of the same size.
"""

from __future__ import annotations

import multiprocessing as mp
import queue
import time
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from shared.catalog import load_catalog
from shared.settings import Settings
from shared.sniff import HEAD_BYTES, sniff
from shared.storage import open_storage
from shared.tables import Job, Priority, Segment, StageName, Upload, UploadKind, UploadState
from worker.assignment import Assignment
from worker.lease import Claim
from worker.toolkit import Toolkit
from worker.windows import Window, plan_segments, plan_windows

# The model's inputs by name, of one window or of all of a job.
Inputs = dict[str, NDArray[Any]]
START_LIMIT_S = 120
WINDOW_LIMIT_S = 60


def nothing() -> None:
    """Be a checkpoint that never objects."""


def score_all(settings: Settings, clip: Path, clips: int, media_processes: int) -> float:
    """Score ``clip`` so many times; return the seconds from the first begun to the last ended."""
    spawn = mp.get_context("spawn")
    work, fused, ended = spawn.Queue(), spawn.Queue(maxsize=64), spawn.Queue()
    processes = [
        spawn.Process(target=run_media, args=(settings, clip, work, fused, ended), daemon=True)
        for _ in range(media_processes)
    ]
    processes.append(spawn.Process(target=run_model, args=(settings, fused, ended), daemon=True))
    for process in processes:
        process.start()
    for _ in processes:
        ended.get(timeout=START_LIMIT_S)
    started = time.perf_counter()
    for number in range(clips):
        work.put(number)
    windows = clips * len(plan_windows(probe_duration_s(settings, clip), 2, 2))
    for _ in range(windows):
        ended.get(timeout=WINDOW_LIMIT_S)
    seconds = time.perf_counter() - started
    for process in processes:
        process.kill()
        process.join()
    return seconds


def probe_duration_s(settings: Settings, clip: Path) -> float:
    """Return how long the clip is."""
    from worker.media.probe import probe  # noqa: PLC0415 - the model process has no use for it

    kind = sniff(clip.read_bytes()[:HEAD_BYTES])
    if kind is None:
        raise ValueError("the clip is no media")
    return probe(
        clip,
        kind.demuxer,
        max_pixels=settings.max_pixels,
        max_duration_s=settings.max_duration_s,
        memory_mb=settings.decode_memory_mb,
        time_limit_s=60,
    ).duration_s


def run_media(
    settings: Settings, clip: Path, work: Queue[int], fused: Queue[Inputs], ended: Queue[int]
) -> None:
    """Run the media stages of one clip after the other."""
    from worker.warm_up import warm_media_child, warm_media_parent  # noqa: PLC0415 - as above

    warm_media_parent(settings)
    warm_media_child(settings)
    kit = Toolkit(settings, cast("Any", None), open_storage(settings.resolved_storage_url))
    upload = store(kit, clip)
    ended.put(0)
    while True:
        work.get()
        inputs = media_stages(kit, settings, upload)
        for window in range(len(inputs["present"])):
            fused.put({name: array[window] for name, array in inputs.items()})


def store(kit: Toolkit, clip: Path) -> Upload:
    """Store a clip and return its upload."""
    content = clip.read_bytes()
    kind = sniff(content[:HEAD_BYTES])
    if kind is None:
        raise ValueError("the clip is no media")
    upload = Upload(id=uuid4(), kind=UploadKind.VIDEO, state=UploadState.STORED, demuxer=kind.demuxer)
    kit.storage.write(upload.storage_key, content)
    return upload


def new_job(settings: Settings, upload: Upload) -> Job:
    """Return a job of an upload, by the usual model, which no database knows."""
    return Job(
        id=uuid4(),
        attempt=1,
        video_id=upload.id,
        fusion=load_catalog(settings.models_dir)[settings.model].fusion,
        analyzer="landmarker",
        model=settings.model,
        window_s=2,
        stride_s=2,
        priority=Priority.BULK,
    )


def media_stages(kit: Toolkit, settings: Settings, upload: Upload) -> Inputs:
    """Return the model's inputs of one job, as the fusion stage stores them."""
    from worker.arrays import StoredArray, read_array  # noqa: PLC0415 - as above
    from worker.stages import faces, fusion, ingest, sound  # noqa: PLC0415 - as above

    job = new_job(settings, upload)
    facts = ingest.run(assignment(job, upload, StageName.INGEST, {}), kit, nothing).output
    outputs: dict[StageName, dict[str, Any]] = {StageName.INGEST: facts}
    for name, step in ((StageName.FACES, faces), (StageName.SOUND, sound), (StageName.FUSION, fusion)):
        outputs[name] = step.run(assignment(job, upload, name, outputs), kit, nothing).output
    return {
        name: read_array(kit.storage, StoredArray.from_json(stored))
        for name, stored in outputs[StageName.FUSION]["inputs"].items()
    }


def assignment(
    job: Job, upload: Upload, name: StageName, outputs: dict[StageName, dict[str, Any]]
) -> Assignment:
    """Return what a claim would have read from the database."""
    facts = outputs.get(StageName.INGEST, {})
    segment = None
    windows: tuple[Window, ...] = ()
    if facts:
        (plan,) = plan_segments(plan_windows(facts["video"]["duration_s"], 2, 2), 60)
        segment = Segment(id=uuid4(), index=0, start_s=plan.start_s, end_s=plan.end_s)
        windows = plan.windows
    return Assignment(
        claim=Claim(uuid4(), job.id, segment.id if segment else None, name, 1),
        job=job,
        video=upload,
        audio=None,
        segment=segment,
        windows=windows,
        outputs=outputs,
        ahead=(),
    )


def run_model(settings: Settings, fused: Queue[Inputs], ended: Queue[int]) -> None:
    """Run whatever windows have come as one batch."""
    from worker.stages.inference import engine_of  # noqa: PLC0415 - brings TensorFlow

    engine = engine_of(settings.model)
    engine.warm_up()
    ended.put(0)
    while True:
        batch = [fused.get()]
        while len(batch) < settings.inference_windows:
            try:
                batch.append(fused.get_nowait())
            except queue.Empty:
                break
        engine.predict({name: np.stack([window[name] for window in batch]) for name in batch[0]})
        for _ in batch:
            ended.put(1)

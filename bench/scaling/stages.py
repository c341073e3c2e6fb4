"""Processor time of the stages themselves, with neither queue nor database."""

from __future__ import annotations

import resource
from pathlib import Path
from statistics import median
from typing import Any, cast

from bench.scaling.costs import MEDIA_STAGES, StageCost
from shared.settings import Settings
from shared.storage import open_storage
from shared.tables import StageName


def spent() -> tuple[float, float]:
    """Return the processor seconds of this process, and of its children that have ended."""
    own, ended = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime, ended.ru_utime + ended.ru_stime


def media_costs(settings: Settings, clip: Path, rounds: int) -> tuple[dict[str, StageCost], int]:
    """Return the median costs of a clip's media stages, and how many windows it has."""
    from bench.bare import assignment, new_job, nothing, store  # noqa: PLC0415 - where threads are limited
    from worker.stages import faces, fusion, ingest, sound  # noqa: PLC0415 - as above
    from worker.toolkit import Toolkit  # noqa: PLC0415 - as above
    from worker.warm_up import warm_media_child, warm_media_parent  # noqa: PLC0415 - as above

    warm_media_parent(settings)
    warm_media_child(settings)
    kit = Toolkit(settings, cast("Any", None), open_storage(settings.resolved_storage_url))
    upload = store(kit, clip)
    steps = {"ingest": ingest, "faces": faces, "sound": sound, "fusion": fusion}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in MEDIA_STAGES}
    written: dict[str, int] = {}
    windows = 0
    # The first is not counted: libraries load what they need.
    for number in range(rounds + 1):
        job = new_job(settings, upload)
        outputs: dict[StageName, dict[str, Any]] = {}
        size = 0
        for name in MEDIA_STAGES:
            given = assignment(job, upload, StageName(name), outputs)
            own_s, helpers_s = spent()
            outputs[StageName(name)] = steps[name].run(given, kit, nothing).output
            own, helpers = spent()
            if number:
                found[name].append((own - own_s, helpers - helpers_s))
            now = folder_bytes(Path(settings.data_dir) / "storage" / job.storage_prefix)
            written[name], size = now - size, now
            windows = len(given.windows) or windows
    return {
        name: StageCost(
            own_s=round(median(own for own, _ in costs), 4),
            helpers_s=round(median(helpers for _, helpers in costs), 4),
            written_bytes=written[name],
        )
        for name, costs in found.items()
    }, windows


def folder_bytes(folder: Path) -> int:
    """Return the sizes of all files below a folder, which need not exist."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def model_cost(model: str, rounds: int) -> dict[int, float]:
    """Return the processor seconds a window of an installed model takes, by windows at a time."""
    import numpy as np  # noqa: PLC0415 - a process of its own

    from shared.settings import get_settings  # noqa: PLC0415 - as above
    from worker.stages.inference import engine_of  # noqa: PLC0415 - as above

    engine = engine_of(model)
    engine.warm_up()
    costs = {}
    # Of the most, one is done after the other where that is faster: as the engine chooses.
    for windows in sorted({1, get_settings().inference_windows}):
        inputs = {
            name: np.ones((windows, *shape), dtype)
            for name, (shape, dtype) in engine._signature.items()  # noqa: SLF001 - nobody else asks
        }
        engine.predict(inputs)
        taken = []
        for _ in range(rounds):
            before = spent()[0]
            engine.predict(inputs)
            taken.append((spent()[0] - before) / windows)
        costs[windows] = round(median(taken), 5)
    return costs

"""What the results of a large batch cost the API in memory and time.

Usage: python -m bench.batch_results [--rows 100000]

The rows are made with SQL, as workers would have left them; then a real server streams them in every
format. Printed is how long it took, and the most that the server's processes held at any moment above
what they held before. Exit status 1 if it is more than 64 MiB for CSV or JSON lines. Parquet's first
request also loads pyarrow, which is printed apart.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types
from sqlalchemy import Engine, text

from bench.api_server import serve
from bench.upload_memory import MIB, peak_mib, reset
from client.stack.stack import EmbeddedStack
from migrations.upgrade import upgrade
from shared.database import connect
from shared.settings import Settings

GOAL_MIB = 64.0
LIMIT_S = 600
# Seven emotions, some failures, one window each: what a data set of short clips comes to.
JOBS_SQL = text(
    """
    INSERT INTO jobs (
        id, batch_id, reference, request_sha256, fusion, analyzer, model, window_s, stride_s, priority,
        status, attempt, version, stages_total, stages_done, segments_total, segments_done, stage_seconds,
        error_code, error_message, media, analyzer_info, model_info, warnings, summary,
        started_at, finished_at
    )
    SELECT
        ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, :batch_id,
        'AudioWAV/crema-d/video/' || lpad(n::text, 6, '0') || '_IEO_ANG_HI.mp4', 'x', 'hybrid', 'landmarker',
        'videomae-nano', 2, 2, 'bulk', CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'succeeded' END,
        1, 9, 6, 6, 1, 1, '{"ingest": 0.05, "faces": 1.2, "sound": 0.1, "fusion": 0.1, "inference": 0.2}',
        CASE WHEN n % 50 = 0 THEN 'no_face_found' END,
        CASE WHEN n % 50 = 0 THEN 'No face was found in the picture, and the clip has no sound.' END,
        '{"duration_s": 2.5, "fps": 29.97, "width": 480, "height": 360, "sample_rate": 16000}',
        '{"name": "landmarker", "version": "1", "faces_found": 1, "usable_frames": 60, "frames": 62,
          "reliability": {"AU01_r": 0.61, "AU02_r": 0.52, "AU04_r": 0.7, "AU05_r": 0.44, "AU12_r": 0.9}}',
        '{"id": "videomae-nano", "preset": "nano", "fusion": "hybrid", "weights_sha256": "0123456789abcdef",
          "labels": ["anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"], "trained": true,
          "card_url": "/models/videomae-nano", "metrics": {"war": 0.7, "uar": 0.7}}',
        '[{"code": "affect_from_classes", "message": "Valence and arousal follow from the emotion."}]',
        CASE WHEN n % 50 > 0 THEN
            '{"emotion": "anger", "probabilities": {"anger": 0.5, "disgust": 0.1, "fear": 0.1, "joy": 0.1,
              "neutral": 0.1, "sadness": 0.05, "surprise": 0.05}, "valence": -0.51, "arousal": 0.59,
              "confidence": 0.5}'::json END,
        now(), now()
    FROM generate_series(1, :rows) AS n
    """
)
SEGMENTS_SQL = text(
    "INSERT INTO segments (id, job_id, index, start_s, end_s) SELECT id, id, 0, 0, 2.5 FROM jobs"
)
WINDOWS_SQL = text(
    """
    INSERT INTO predictions (
        job_id, segment_id, index, rank, start_s, end_s, modalities, status, token, losses, retries
    )
    SELECT id, id, 0, 1, 0, 2, ARRAY['video', 'audio'], 'done', 1, 0, 0 FROM jobs
    """
)


def fill(engine: Engine, batch_id: str, rows: int) -> None:
    """Give a batch ``rows`` jobs that have ended."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(JOBS_SQL, {"batch_id": batch_id, "rows": rows})
        connection.execute(SEGMENTS_SQL)
        connection.execute(WINDOWS_SQL)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def measure(http: httpx.Client, pids: Sequence[int], path: str) -> float:
    """Read a table to its end, print what it took, and return the rise of the peak in MiB."""
    reset(list(pids))
    before, started, size = peak_mib(list(pids)), time.perf_counter(), 0
    with http.stream("GET", path) as answer:
        answer.raise_for_status()
        for piece in answer.iter_bytes():
            size += len(piece)
    seconds, rise = time.perf_counter() - started, peak_mib(list(pids)) - before
    print(f"{path.rsplit('/', 1)[1]}: {size / MIB:.1f} MiB in {seconds:.1f} s; memory {rise:+.1f} MiB")
    return rise


def main() -> int:
    """Measure, print, and compare with the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="avemotion-bench-") as folder:
        settings = Settings(data_dir=Path(folder), port=0, api_processes=1)
        with EmbeddedStack(settings, services=lambda *_: ()) as servers:
            upgrade(servers.settings)
            with (
                serve(servers.settings) as api,
                httpx.Client(
                    base_url=f"http://127.0.0.1:{api.port}", timeout=LIMIT_S, trust_env=False
                ) as http,
            ):
                batch = f"/batches/{http.post('/batches', json={}).json()['batch_id']}"
                fill(connect(servers.settings, pool_size=1), batch.rsplit("/", 1)[1], rows)
                pids = [api.pid, *(child.pid for child in psutil.Process(api.pid).children())]
                http.get(batch).raise_for_status()
                started = time.perf_counter()
                counts = http.get(batch).json()["counts"]
                print(f"counts of {counts['total']} jobs: {1000 * (time.perf_counter() - started):.1f} ms")
                worst = max(measure(http, pids, f"{batch}/results.{name}") for name in ("csv", "jsonl"))
                measure(http, pids, f"{batch}/results.parquet")
                print("once more, with pyarrow loaded:")
                measure(http, pids, f"{batch}/results.parquet")
    print(f"largest rise of CSV and JSON lines: {worst:.1f} MiB (goal: below {GOAL_MIB:.0f} MiB)")
    return int(worst >= GOAL_MIB)


if __name__ == "__main__":
    sys.exit(main())

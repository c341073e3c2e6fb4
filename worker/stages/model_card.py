"""The card of a job's model: every stage that shapes the model's input asks it."""

from __future__ import annotations

from shared.catalog import ModelCard, load_catalog
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from shared.tables import Job


def card_of(job: Job, settings: Settings) -> ModelCard:
    """Return the card of the job's model.

    Raises:
        AvemotionError: The model is not installed on this worker.
    """
    card = load_catalog(settings.models_dir).get(job.model)
    if card is None:
        raise AvemotionError(
            ErrorCode.MODEL_UNAVAILABLE, f"The model {job.model} is not installed on this worker."
        )
    return card

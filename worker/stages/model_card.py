"""The card of a job's model: every stage that shapes the model's input, or runs it, asks here."""

from __future__ import annotations

from shared.catalog import ModelCard, load_catalog
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings


def card_of(model: str, settings: Settings) -> ModelCard:
    """Return the card of a model.

    Raises:
        AvemotionError: The model is not installed on this worker.
    """
    card = load_catalog(settings.models_dir).get(model)
    if card is None:
        raise AvemotionError(
            ErrorCode.MODEL_UNAVAILABLE, f"The model {model} is not installed on this worker."
        )
    return card

"""Which model a job gets that leaves model, fusion or both open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from shared.catalog.card import ModelCard
from shared.catalog.config import FusionName
from shared.errors import AvemotionError, ErrorCode


def choose_model(
    cards: Mapping[str, ModelCard],
    default: str,
    *,
    model: str | None = None,
    fusion: FusionName | None = None,
) -> ModelCard:
    """Return the card of a job's model.

    A model that is named is taken, whatever its fusion: whether the two go together is the caller's to
    check. Of a fusion alone the model is that of ``default_models``; of neither, the default.

    Args:
        cards: The catalog, by model id.
        default: Model of a job that names none.
        model: The one asked for.
        fusion: The one asked for.

    Raises:
        AvemotionError: ``MODEL_UNAVAILABLE`` where there is no such model.
    """
    if model is None and fusion is not None:
        model = default_models(cards, default).get(fusion)
        if model is None:
            raise AvemotionError(
                ErrorCode.MODEL_UNAVAILABLE,
                f"There is no model of {fusion} fusion here; GET /models lists those there are.",
            )
    card = cards.get(model or default)
    if card is None:
        raise AvemotionError(
            ErrorCode.MODEL_UNAVAILABLE,
            f"There is no model {model or default}; GET /models lists those there are.",
        )
    return card


def default_models(cards: Mapping[str, ModelCard], default: str) -> dict[FusionName, str]:
    """Return by fusion the id of the model that serves where only the fusion is named.

    It is the default model if that has the fusion, else the first by id of those that are trained, else
    the first of the others. A fusion that no model has is left out.
    """
    ranked = sorted(cards.values(), key=lambda card: (card.id != default, not card.trained, card.id))
    names: tuple[FusionName, ...] = get_args(FusionName)
    first = {fusion: next((card.id for card in ranked if card.fusion == fusion), None) for fusion in names}
    return {fusion: model for fusion, model in first.items() if model is not None}

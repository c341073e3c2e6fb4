"""``/models``: what can be asked for."""

from __future__ import annotations

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from api.answers import answer
from api.parameters import ModelPath
from api.responses import describe
from api.services import services
from shared.catalog import ModelCard
from shared.catalog.choice import default_models
from shared.errors import AvemotionError, ErrorCode
from shared.schemas.models import ModelList

blueprint = APIBlueprint("models", __name__, abp_tags=[Tag(name="models")])


@blueprint.get("/models", responses=describe({200: ModelList}))
def read_models() -> Response:
    """List the cards of all models, and which of them serves requests that name none, or only a fusion."""
    kit = services()
    cards, default = kit.cards.all(), kit.settings.model
    models = [card.model_dump(mode="json") for card in cards.values()]
    return answer({"models": models, "default": default, "fusions": default_models(cards, default)})


@blueprint.get("/models/<model_id>", responses=describe({200: ModelCard}, 404))
def read_model(path: ModelPath) -> Response:
    """Return the card of one model."""
    card = services().cards.all().get(path.model_id)
    if card is None:
        raise AvemotionError(ErrorCode.NOT_FOUND, "There is no such model; GET /models lists all.")
    return answer(card.model_dump(mode="json"))

"""``/models``: what can be asked for."""

from __future__ import annotations

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from api.answers import PRIVATE, answer
from api.parameters import ModelPath
from api.responses import describe
from api.services import services
from shared.catalog import ModelCard
from shared.catalog.choice import default_models
from shared.errors import AvemotionError, ErrorCode
from shared.schemas.models import ModelList

_MARKDOWN = "text/markdown; charset=utf-8"
_PAGE = describe({}, 404) | {
    "200": {"description": "The page", "content": {"text/markdown": {"schema": {"type": "string"}}}}
}

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
    return answer(_card(path.model_id).model_dump(mode="json"))


@blueprint.get("/models/<model_id>/CARD.md", responses=_PAGE)
def read_model_page(path: ModelPath) -> Response:
    """Return the card of one model as a page for people: its uses, figures and limits."""
    page = _card(path.model_id).page_path
    if page is None:
        raise AvemotionError(ErrorCode.NOT_FOUND, "This model's card has no page.")
    # Whoever made the model wrote it: nothing a browser should run.
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": PRIVATE}
    return Response(page.read_bytes(), headers=headers, content_type=_MARKDOWN)


def _card(model_id: str) -> ModelCard:
    card = services().cards.all().get(model_id)
    if card is None:
        raise AvemotionError(ErrorCode.NOT_FOUND, "There is no such model; GET /models lists all.")
    return card

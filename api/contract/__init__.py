"""The contract with clients: the OpenAPI document as flask-openapi3 makes it, then finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.contract.headers import add_headers
from api.contract.links import add_links
from api.contract.names import name_operations, views_of
from api.contract.schemas import clear_schemas, clear_texts
from api.contract.statuses import drop_impossible

if TYPE_CHECKING:
    from flask_openapi3.openapi import OpenAPI


def finish(document: dict[str, Any], app: OpenAPI) -> None:
    """Change ``document``, the contract of ``app`` as the library made it, into what clients are told."""
    views = views_of(app)
    name_operations(document, views)
    drop_impossible(document, views)
    clear_texts(document)
    clear_schemas(document)
    add_headers(document)
    add_links(document)

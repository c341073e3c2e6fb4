"""``/docs`` and ``/openapi.json``: the service explains itself, without a call to anywhere else."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, cast

import flask_openapi3_swagger  # type: ignore[import-untyped]  # it ships no types
from flask import Response, current_app, send_from_directory
from flask_openapi3.blueprint import APIBlueprint

from api.answers import answer
from api.parameters import AssetPath
from shared.errors import ErrorCode, WarningCode

if TYPE_CHECKING:
    from flask_openapi3.openapi import OpenAPI

blueprint = APIBlueprint("documentation", __name__)

SWAGGER = files(flask_openapi3_swagger) / "templates" / "swagger"
# Nothing is loaded from elsewhere. Swagger UI sets styles inline.
POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>{head}</head><body>{body}</body></html>
"""
SWAGGER_HEAD = '<link rel="stylesheet" href="/docs/assets/css/swagger-ui.css">'
SWAGGER_BODY = (
    '<div id="docs"></div><script src="/docs/assets/js/swagger-ui-bundle.js"></script>'
    '<script src="/docs/start.js"></script>'
)
ASSET_AGE_S = 3600
START = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#docs", deepLinking: true});\n'


@blueprint.get("/openapi.json", doc_ui=False)
def openapi() -> Response:
    """Return the contract with clients."""
    return answer(cast("OpenAPI", current_app).api_doc)


@blueprint.get("/docs", doc_ui=False)
def docs() -> Response:
    """Show the contract as pages on which each call can be tried."""
    return page("avemotion: API", SWAGGER_BODY, SWAGGER_HEAD)


@blueprint.get("/docs/start.js", doc_ui=False)
def start() -> Response:
    """Start Swagger UI; a file of its own, since no script may stand in a page."""
    return Response(START, content_type="text/javascript; charset=utf-8")


@blueprint.get("/docs/assets/<path:name>", doc_ui=False)
def asset(path: AssetPath) -> Response:
    """Return a file of Swagger UI's wheel."""
    return send_from_directory(str(SWAGGER), path.name, max_age=ASSET_AGE_S)


@blueprint.get("/docs/errors", doc_ui=False)
def errors() -> Response:
    """List every code; problem documents link here."""
    rows = "".join(
        f'<tr id="{code.code}"><td><code>{code.code}</code></td><td>{code.status}</td>'
        f"<td>{escape(code.title)}.</td></tr>"
        for code in ErrorCode
    )
    warnings = "".join(
        f'<tr id="{each.code}"><td><code>{each.code}</code></td><td>{escape(each.message)}</td></tr>'
        for each in WarningCode
    )
    return page(
        "avemotion: errors", f"<h1>Errors</h1><table>{rows}</table><h1>Warnings</h1><table>{warnings}</table>"
    )


def page(title: str, body: str, head: str = "") -> Response:
    """Return an HTML page."""
    response = Response(
        PAGE.format(title=title, head=head, body=body), content_type="text/html; charset=utf-8"
    )
    response.headers["Content-Security-Policy"] = POLICY
    return response

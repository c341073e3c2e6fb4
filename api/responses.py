"""Responses as the OpenAPI document describes them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask_openapi3.types import ResponseDict
from pydantic import BaseModel

from api.problems import MEDIA_TYPE

_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
# What any request may get; the server itself refuses what is too long to be read (api/server_worker.py).
COMMON = (401, 403, 414, 429, 431, 500, 503)
# As RFC 9110 has it; older Pythons have the names of its predecessor.
PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}


def describe(success: dict[int, type[BaseModel] | None], *problems: int) -> ResponseDict:
    """Return a view's responses: ``success`` by status, and the statuses of its problems."""
    described: dict[str | int | HTTPStatus, Any] = {str(status): model for status, model in success.items()}
    for status in sorted({*problems, *COMMON}):
        described[str(status)] = _describe_problem(status)
    # flask-openapi3 adds its own otherwise.
    described.setdefault("422", _describe_problem(422))
    return described


def _describe_problem(status: int) -> dict[str, Any]:
    return {"description": PHRASES.get(status, HTTPStatus(status).phrase), "content": _PROBLEM}

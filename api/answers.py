"""Responses with JSON bodies."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from flask import Response

PRIVATE = "private, no-cache"
# Sharing one encoder: ``json.dumps`` with options makes a new one each time.
encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def answer(document: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Return ``document`` as JSON."""
    return answer_json(encode(document).encode(), status, headers)


def answer_json(body: bytes, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Return a body that is JSON already."""
    all_headers = [*headers, ("Content-Type", "application/json"), ("Cache-Control", PRIVATE)]
    return Response(body, status, all_headers)

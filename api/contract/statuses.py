"""Answers that an operation cannot give, which are taken out of its description."""

from __future__ import annotations

from typing import Any

from api.access import OPEN_TO_ALL
from api.contract.names import Key, View, operations


def drop_impossible(document: dict[str, Any], views: dict[Key, View]) -> None:
    """Leave 401 and 429 out where no key is asked for, and 422 where there is nothing to be invalid."""
    for key, operation in operations(document):
        responses = operation["responses"]
        if views[key].blueprint in OPEN_TO_ALL:
            operation["security"] = []
            responses.pop("401", None)
            responses.pop("429", None)
        if not can_be_invalid(operation):
            responses.pop("422", None)
        operation["responses"] = {status: responses[status] for status in sorted(responses)}


def can_be_invalid(operation: dict[str, Any]) -> bool:
    """Tell whether something in a request is checked; what no address can hold is not found instead."""
    checked = any(parameter["in"] != "path" for parameter in operation.get("parameters", ()))
    return checked or "application/json" in operation.get("requestBody", {}).get("content", {})

"""Schemas and texts without what the libraries add and no reader needs."""

from __future__ import annotations

from typing import Any

from api.contract.names import operations

NULL = {"type": "null"}


def clear_texts(document: dict[str, Any]) -> None:
    """Write descriptions as Markdown, which the contract's texts are, without HTML."""
    for _, operation in operations(document):
        text = operation.pop("description", "").replace("<br/>", "\n").strip()
        if text:
            operation["description"] = text


def clear_schemas(document: dict[str, Any]) -> None:
    """Leave out titles that repeat names, and null where only leaving a value out can be meant."""
    for schema in document["components"]["schemas"].values():
        _clear(schema)
    for _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            schema = parameter["schema"]
            _clear(schema)
            # The parameter has it.
            schema.pop("description", None)
            _require_value(schema)


def _clear(schema: Any) -> None:
    """Take titles out of a schema and all below it, and the default null, which says nothing."""
    if not isinstance(schema, dict):
        return
    schema.pop("title", None)
    if schema.get("default", ...) is None:
        del schema["default"]
    below = [*schema.get("properties", {}).values()]
    below += [schema[name] for name in ("items", "additionalProperties") if name in schema]
    for name in ("allOf", "anyOf", "oneOf", "prefixItems"):
        below += schema.get(name, ())
    for each in below:
        _clear(each)


def _require_value(schema: dict[str, Any]) -> None:
    """Take null out of what a parameter may be: a query cannot say it."""
    choices = schema.get("anyOf", [])
    if NULL in choices:
        choices.remove(NULL)
        if len(choices) == 1:
            schema |= schema.pop("anyOf")[0]

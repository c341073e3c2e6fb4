"""Names of operations: those of their views, as client code writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from flask_openapi3.utils import parse_rule

if TYPE_CHECKING:
    from flask_openapi3.openapi import OpenAPI

Key = tuple[str, str]


class View(NamedTuple):
    """The view behind an operation."""

    blueprint: str
    name: str


def views_of(app: OpenAPI) -> dict[Key, View]:
    """Return by path and method the views of ``app``."""
    found = {}
    for rule in app.url_map.iter_rules():
        blueprint, _, name = rule.endpoint.rpartition(".")
        for method in rule.methods or ():
            found[parse_rule(rule.rule), method.lower()] = View(blueprint, name)
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Yield every operation of a contract with its path and method."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield (path, method), operation


def name_operations(document: dict[str, Any], views: dict[Key, View]) -> None:
    """Name each operation as its view: ``read_job`` is ``readJob`` to clients."""
    for key, operation in operations(document):
        first, *others = views[key].name.split("_")
        operation["operationId"] = first + "".join(word.capitalize() for word in others)

"""Headers of answers, by what is answered."""

from __future__ import annotations

from typing import Any

from api.contract.names import operations
from api.problems import MEDIA_TYPE

TEXT = {"type": "string"}
SECONDS = {"type": "integer", "minimum": 0}


def header(description: str, schema: dict[str, Any], *, always: bool = False) -> dict[str, Any]:
    """Return the description of a header."""
    return {"description": description, "required": always, "schema": schema}


POLLED = {
    "ETag": header("Version of the document, for `If-None-Match`.", TEXT, always=True),
    "Retry-After": header("Seconds after which to ask again; absent once it has ended.", SECONDS),
}
OF_SCHEMA = {"JobDocument": POLLED, "BatchDocument": POLLED}
LOCATION = {
    "Location": header("Address at which to follow it.", {**TEXT, "format": "uri-reference"}, always=True)
}
OF_OPERATION = {
    "predict": LOCATION
    | {"Preference-Applied": header("What of `Prefer` was honoured.", {**TEXT, "example": "wait=20"})},
    "retryJob": LOCATION,
    "createBatch": LOCATION,
}
OF_PROBLEM = {
    "401": {"WWW-Authenticate": header("How to send a key.", TEXT, always=True)},
    "429": {
        "Retry-After": header("Seconds after which to try again.", SECONDS, always=True),
        "RateLimit": header(
            "What is left of the key's requests, and after how many seconds there are more; of "
            "`too_many_requests`.",
            TEXT,
        ),
        "RateLimit-Policy": header("How many requests the key may make in how many seconds.", TEXT),
    },
    "503": {"Retry-After": header("Seconds after which to try again.", SECONDS)},
    "507": {"Retry-After": header("Seconds after which to try again.", SECONDS)},
}
FILE = {"Content-Disposition": header("Name under which to save it.", TEXT)}
FILE_TYPES = frozenset({"text/csv", "image/png", "application/x-ndjson"})


def add_headers(document: dict[str, Any]) -> None:
    """Describe the headers of every answer of a contract."""
    for _, operation in operations(document):
        succeeded = [name for name in operation["responses"] if name.startswith("2")]
        shown = {schema_of(operation["responses"][name]) for name in succeeded}
        for status, response in operation["responses"].items():
            found: dict[str, Any] = {}
            content = response.get("content", {})
            if status in succeeded:
                found |= OF_SCHEMA.get(schema_of(response) or "", {})
                found |= OF_OPERATION.get(operation["operationId"], {})
                found |= FILE if FILE_TYPES & content.keys() else {}
            elif status == "304":
                found |= POLLED if shown & OF_SCHEMA.keys() else {}
            elif MEDIA_TYPE in content:
                found |= OF_PROBLEM.get(status, {})
            if found:
                response["headers"] = {**found, **response.get("headers", {})}


def schema_of(response: dict[str, Any]) -> str | None:
    """Return the name of the schema of an answer that is always JSON; ``None`` if it has none."""
    content = response.get("content", {})
    schema = content.get("application/json", {}).get("schema", {}) if len(content) == 1 else {}
    return str(schema["$ref"]).rpartition("/")[2] if "$ref" in schema else None

"""Links: which operations go on from an answer, and with what of it.

An operation that begins something leads to each one whose address holds the id it answers with, so new
operations on jobs and batches are linked by themselves.
"""

from __future__ import annotations

from typing import Any

from api.contract.headers import LOCATION, schema_of
from api.contract.names import operations

FIELD_OF_UPLOAD = {"uploadVideo": "video_id", "uploadAudio": "audio_id"}
STATUSES = {"200", "201", "202"}


def add_links(document: dict[str, Any]) -> None:
    """Link the operations of a contract."""
    by_parameter: dict[str, list[str]] = {}
    for _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                by_parameter.setdefault(parameter["name"], []).append(operation["operationId"])
    for _, operation in operations(document):
        field = FIELD_OF_UPLOAD.get(operation["operationId"])
        for status in STATUSES & operation["responses"].keys():
            response = operation["responses"][status]
            if field is not None:
                begun = {field: "$response.body#/id"}
                response["links"] = {"predict": {"operationId": "predict", "requestBody": begun}}
            elif LOCATION.keys() <= response.get("headers", {}).keys():
                response["links"] = _followers(response, document, by_parameter)


def _followers(
    response: dict[str, Any], document: dict[str, Any], by_parameter: dict[str, list[str]]
) -> dict[str, Any]:
    """Return the links from a document to the operations whose address it can fill."""
    answered = document["components"]["schemas"][schema_of(response)]["properties"]
    return {
        name: {"operationId": name, "parameters": {parameter: f"$response.body#/{parameter}"}}
        for parameter, names in by_parameter.items()
        # An id that may be null leads nowhere.
        if answered.get(parameter, {}).get("type") == "string"
        for name in names
    }

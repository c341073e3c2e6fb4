"""The contract with clients: what they generate code from, and rely on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.__main__ import render

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"
RENEW = (
    "The contract with clients has changed. If that is meant: `make contract` writes docs/openapi.json anew, "
    "and CHANGELOG.md has to tell it."
)


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render())
    return document


def operations(contract: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in contract["paths"].values() for operation in path.values()]


def every(value: Any, key: str) -> Iterator[Any]:
    """Yield whatever stands under ``key`` at any depth."""
    if isinstance(value, dict):
        yield from (value[key],) if key in value else ()
        for each in value.values():
            yield from every(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from every(each, key)


def test_contract_has_not_changed_unnoticed() -> None:
    """docs/openapi.json is what the API answers, so a change of the contract stands in a commit."""
    assert COMMITTED.read_text(encoding="utf-8") == render(), RENEW


def test_operations_can_be_called_by_name(contract: dict[str, Any]) -> None:
    """Each operation has a name of its own that client code can use, a group, and a sentence about it."""
    found = operations(contract)
    names = [operation["operationId"] for operation in found]
    assert len(set(names)) == len(names) > 20
    for operation in found:
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", operation["operationId"])
        assert operation["tags"]
        assert operation["summary"].endswith("."), operation["operationId"]
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), (operation["operationId"], parameter["name"])


def test_references_lead_somewhere(contract: dict[str, Any]) -> None:
    """Each reference names a schema that is there, and each link an operation and a parameter of it."""
    schemas = contract["components"]["schemas"]
    assert {name.rpartition("/")[2] for name in every(contract, "$ref")} <= schemas.keys()
    by_name = {operation["operationId"]: operation for operation in operations(contract)}
    links = [link for some in every(contract, "links") for link in some.values()]
    assert len(links) > 10
    for link in links:
        target = by_name[link["operationId"]]
        known = {parameter["name"] for parameter in target.get("parameters", ())}
        assert link.get("parameters", {}).keys() <= known


def test_who_begins_something_finds_the_way(contract: dict[str, Any]) -> None:
    """Uploads lead to a job, and a job and a batch to what can be done with them."""
    by_name = {operation["operationId"]: operation for operation in operations(contract)}

    def next_of(name: str, status: str) -> set[str]:
        return set(by_name[name]["responses"][status]["links"])

    assert next_of("uploadVideo", "201") == {"predict"}
    assert {"readJob", "cancelJob", "deleteJob", "readArtifact"} <= next_of("predict", "202")
    assert {"readBatch", "addJobs", "closeBatch", "readResults"} <= next_of("createBatch", "201")
    assert "readBatch" not in next_of("predict", "202")


def test_keys(contract: dict[str, Any]) -> None:
    """Where a key is asked for, the answer to a wrong one is described; elsewhere none is needed."""
    for operation in operations(contract):
        needs_none = operation.get("security") == []
        assert needs_none is ("401" not in operation["responses"]), operation["operationId"]
        assert needs_none is (operation["tags"] == ["operations"]), operation["operationId"]


def test_answers_that_can_be_polled(contract: dict[str, Any]) -> None:
    """What may be answered with 304 tells its version, and a document when to ask again."""
    polled = [each for each in operations(contract) if "304" in each["responses"]]
    assert {each["operationId"] for each in polled} >= {"readJob", "readBatch"}
    for operation in polled:
        assert "If-None-Match" in {parameter["name"] for parameter in operation["parameters"]}
        is_document = "application/json" in operation["responses"]["200"]["content"]
        for status in ("200", "304"):
            told = operation["responses"][status]["headers"].keys()
            assert told >= ({"ETag", "Retry-After"} if is_document else {"ETag"})


def test_errors_are_problems(contract: dict[str, Any]) -> None:
    """Each error is described as a problem document, whose codes are listed."""
    for operation in operations(contract):
        for status, response in operation["responses"].items():
            if status >= "400" and "application/json" not in response["content"]:
                assert response["content"].keys() == {"application/problem+json"}
    schemas = contract["components"]["schemas"]
    assert (
        schemas["Problem"]["properties"]["code"]["enum"] == schemas["JobError"]["properties"]["code"]["enum"]
    )
    assert "no_face_found" in schemas["JobError"]["properties"]["code"]["enum"]


def test_no_text_is_html(contract: dict[str, Any]) -> None:
    """Descriptions are Markdown: what generators make of them can be read."""
    assert not [text for text in every(contract, "description") if isinstance(text, str) and "<br" in text]

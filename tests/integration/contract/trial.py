"""A run of schemathesis over the whole contract, and what it finds."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import schemathesis
from hypothesis import strategies
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import StopReason, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from tests.integration.api.conftest import sound, video
from tests.integration.contract.population import Population

SEED = 1
# Of a request that is not valid. An address may be too long before it is anything else.
REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "414", "415", "422", "428", "429", "431", "5xx"]
LIKELY = 0.8
PLACES = {
    "path.job_id": "jobs",
    "path.batch_id": "batches",
    "query.batch": "batches",
    "query.sha256": "hashes",
}
MODELS = (None, "videomae-nano", "videomae-tiny-untrained")
LEVELS = ("anger", "happiness", "valence", "arousal")
MEDIA = [maker(mark) for maker in (video, sound) for mark in ("a", "b", "c")]
# Refusals of requests that the contract's schemas allow: what else is known here, no schema can say.
MEANT_CODES = frozenset(
    {
        *("unsupported_media", "empty_upload", "media_missing"),
        *("analyzer_unavailable", "model_unavailable", "idempotency_mismatch", "webhook_refused"),
    }
)
RANGE_NOT_SATISFIABLE = 416
UPLOADS = frozenset({"video_id", "audio_id"})
# Those who take a refusal for a fault of the contract.
OF_MEANING = frozenset({"positive_data_acceptance", "ensure_resource_availability"})
MEANT_FIELDS = frozenset({"cursor", "model", "fusion", "when", "analyzer", "Idempotency-Key", "webhook_url"})


@dataclass
class Findings:
    """What a run saw.

    Attributes:
        failures: What went against the contract, a line each.
        statuses: How often each operation answered which status.
        is_whole: Whether it came to its end within its time.
    """

    failures: dict[tuple[str, str, str], str] = field(default_factory=dict)
    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    is_whole: bool = False


def run(url: str, there: Population, headers: dict[str, str], *, examples: int, limit_s: int) -> Findings:
    """Try the operations of the API at ``url`` in all ways that schemathesis knows, ``examples`` times each.

    Args:
        url: Where the API is.
        there: What is there to be asked for.
        headers: With a key, where keys are on.
        examples: How many requests are thought up for each operation and kind of test.
        limit_s: After which no more is tried.
    """
    schemathesis.openapi.media_type("application/octet-stream", strategies.sampled_from(MEDIA))
    config = SchemathesisConfig.from_dict(configuration(there, headers, examples, limit_s))
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json", config=config)
    if headers:
        # On this server a key is not left to choice.
        schema.raw_schema["security"] = [{"key": []}]

    def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
        aim(case.body, there)

    schemathesis.hook(before_call)
    findings = Findings()
    try:
        # What erases everything comes last.
        everything = {"method": "DELETE", "path": "/jobs"}
        for event in chain(
            from_schema(schema.exclude(**everything)).execute(),
            from_schema(schema.include(**everything)).execute(),
        ):
            if isinstance(event, events.ScenarioFinished):
                note(event.recorder, findings)
            elif isinstance(event, events.NonFatalError):
                findings.failures[event.label, "error", str(event.value)] = event.info.title
            elif isinstance(event, events.FatalError):
                raise event.exception
            elif isinstance(event, events.EngineFinished):
                findings.is_whole = event.stop_reason is StopReason.COMPLETED
    finally:
        schemathesis.hooks.unregister(before_call)
    return findings


def configuration(there: Population, headers: dict[str, str], examples: int, limit_s: int) -> dict[str, Any]:
    """Return schemathesis's configuration: every check, no chance, ids that are there in most requests."""
    return {
        "seed": SEED,
        "max-time": limit_s,
        "continue-on-failure": True,
        "headers": headers,
        "dictionaries": {name: {"values": getattr(there, name)} for name in set(PLACES.values())},
        "parameters": {place: {"dictionary": name, "probability": LIKELY} for place, name in PLACES.items()},
        "generation": {"max-examples": examples, "deterministic": True, "database": "none"},
        "checks": {"enabled": True, "negative_data_rejection": {"expected-statuses": REFUSALS}},
    }


def aim(body: Any, there: Population) -> None:
    """Point what is well-formed in a request for jobs at what is there, so that most are taken."""
    if not isinstance(body, dict):
        return
    for each in body["jobs"] if isinstance(body.get("jobs"), list) else [body]:
        if not isinstance(each, dict):
            continue
        chance = len(json.dumps(each, default=str))
        for name, known in (("video_id", there.videos), ("audio_id", there.sounds)):
            if isinstance(each.get(name), str) and len(each[name]) == len(known[0]) and chance % 8:
                each[name] = known[chance % len(known)]
        if isinstance(each.get("model"), str) and len(each["model"]) <= 128 and chance % 8:
            each["model"], each["fusion"] = MODELS[chance % len(MODELS)], None
        rules = each.get("rules")
        for rule in rules if isinstance(rules, list) else ():
            if isinstance(rule, dict) and isinstance(rule.get("when"), str) and 0 < len(rule["when"]) <= 64:
                rule["when"] = LEVELS[chance % len(LEVELS)]


def note(recorder: ScenarioRecorder, findings: Findings) -> None:
    """Add what happened in a scenario."""
    for case_id, interaction in recorder.interactions.items():
        if interaction.response is not None:
            label = recorder.cases[case_id].value.operation.label
            findings.statuses[label][interaction.response.status_code] += 1
    for case_id, check in failed_checks(recorder):
        interaction, failure = recorder.interactions[case_id], check.failure_info.failure
        answer = interaction.response
        if answer is None or (check.name in OF_MEANING and is_meant(answer.content)):
            continue
        label = recorder.cases[case_id].value.operation.label
        request = interaction.request
        findings.failures.setdefault(
            (label, check.name, failure.title),
            f"{label}: {check.name}: {failure.title}: {failure.message[:400]}\n"
            f"  {request.method} {request.uri} {str(request.body)[:400]} {request.headers}\n"
            f"  {answer.status_code} {answer.content[:400]!r}",
        )


def failed_checks(recorder: ScenarioRecorder) -> Iterator[tuple[str, Any]]:
    """Yield the checks of a scenario that failed, each with its case."""
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                yield case_id, check


def is_meant(body: bytes) -> bool:
    """Tell whether a problem document refuses what only the service itself can know."""
    problem = json.loads(body)
    if problem["code"] in MEANT_CODES or problem["status"] == RANGE_NOT_SATISFIABLE:
        return True
    fields = {error["field"].rpartition(".")[2] for error in problem["errors"]}
    return (problem["code"] == "invalid_request" and fields <= MEANT_FIELDS) or (
        problem["code"] == "not_found" and bool(fields) and fields <= UPLOADS
    )

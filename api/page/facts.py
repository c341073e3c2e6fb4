"""What the page says of this server without anybody's jobs: limits, times, and the bounds of a request."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, get_args

from shared.schemas.batches import MOST_JOBS
from shared.schemas.jobs import AnalyzerName, JobRequest
from shared.schemas.rules import AFFECT, Rule
from shared.settings import Settings


def facts_of(settings: Settings) -> dict[str, Any]:
    """Return the facts for a service with these settings, as JSON."""
    return {
        "version": version("avemotion"),
        "keys_required": settings.keys_required,
        "max_upload_bytes": settings.max_upload_bytes,
        "max_duration_s": settings.max_duration_s,
        "upload_ttl_s": settings.upload_ttl_s,
        "job_ttl_s": settings.job_ttl_s,
        "analyzers": list(get_args(AnalyzerName)),
        "analyzer": settings.analyzer,
        "window_s": {"value": settings.window_s, **_bounds(JobRequest, "window_s")},
        "stride_s": _bounds(JobRequest, "stride_s"),
        "rules": {"most": _bounds(JobRequest, "rules")["most"], "affect": list(AFFECT)},
        "for_s": _bounds(Rule, "for_s"),
        "chunk_jobs": MOST_JOBS,
    }


def _bounds(model: type[JobRequest | Rule], field: str) -> dict[str, Any]:
    """Return the least and greatest value of a field, or the most items, as the contract has them."""
    schema = model.model_json_schema()
    found = schema["properties"][field]
    # An optional field is a choice between its own schema and null.
    found = next((each for each in found.get("anyOf", ()) if each.get("type") != "null"), found)
    named = {"minimum": "min", "maximum": "max", "maxItems": "most"}
    return {named[key]: value for key, value in found.items() if key in named}

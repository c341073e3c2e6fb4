"""Rules, dashboard and scaling are held to the metrics that the code exports."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.errors import ErrorCode
from shared.queue import INFERENCE, MEDIA, queue_names
from tests.exported import exported_series
from tests.unit.deploy.manifests import FOLDER, ROOT, resources
from worker.metrics.stages import Outcome

PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = ROOT / "deploy" / "grafana" / "avemotion.json"
# A series with what is asked of its labels; aggregations name labels, too.
SELECTOR = re.compile(r"(avemotion_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|on) \(([^)]*)\)")


def rules() -> list[dict[str, Any]]:
    """Return the alerting rules."""
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """Return the dashboard's panels that show something."""
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Yield every query there is, and where it stands."""
    for rule in rules():
        yield f"rule {rule['alert']}", rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    for scaled in resources(FOLDER / "keda"):
        for trigger in scaled["spec"]["triggers"]:
            yield f"KEDA {scaled['metadata']['name']}", trigger["metadata"]["query"]


def matchers() -> Iterator[tuple[str, str, str, str]]:
    """Yield each condition on a label: of which series, which label, how, and what."""
    for _, expression in expressions():
        for series, conditions in SELECTOR.findall(expression):
            for label, how, what in MATCHER.findall(conditions):
                yield series, label, how, what


def test_every_metric_that_is_asked_for_exists_with_its_labels() -> None:
    """A query for what nobody exports would be silent for ever."""
    exported = exported_series()
    for place, expression in expressions():
        used = SELECTOR.findall(expression)
        assert used, place
        known: set[str] = set()
        for series, conditions in used:
            assert series in exported, f"{place}: {series}"
            known |= exported[series]
            assert {label for label, _, _ in MATCHER.findall(conditions)} <= exported[series], place
        for names in GROUPING.findall(expression):
            assert {name.strip() for name in names.split(",")} <= known, place


def test_every_metric_is_shown() -> None:
    """The dashboard leaves none out."""
    shown = {
        series for place, text in expressions() if "panel" in place for series, _ in SELECTOR.findall(text)
    }
    names = {re.sub("_(bucket|sum|count)$", "", series) for series in shown}
    missing = {re.sub("_(bucket|sum|count)$", "", series) for series in exported_series()} - names
    # As many as bytes of them would only say the same.
    assert missing == {"avemotion_uploads_total"}


def test_values_of_labels_exist() -> None:
    """Codes, outcomes and queues that are asked for are ones that the code can export."""
    values = {
        "code": {code.code for code in ErrorCode},
        "outcome": {outcome.value for outcome in Outcome},
        "queue": {*queue_names(MEDIA), *queue_names(INFERENCE)},
    }
    for _, label, how, what in matchers():
        if label not in values:
            continue
        if how in {"=", "!="}:
            assert what in values[label]
        elif label == "queue":
            assert any(re.fullmatch(what, name) for name in values[label]), what
        else:
            assert set(what.split("|")) <= values[label], what


def test_every_rule_says_how_bad_it_is_and_what_is_wrong() -> None:
    """Whoever is called at night reads a sentence."""
    for rule in rules():
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"].endswith((".", "?"))


def test_every_rule_is_tried() -> None:
    """rules.test.yml has each rule fire once, and be silent while all is well."""
    tests = yaml.safe_load((PROMETHEUS / "rules.test.yml").read_text(encoding="utf-8"))["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    names = {rule["alert"] for rule in rules()}
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == names
    assert {case["alertname"] for case in tests[0]["alert_rule_test"]} == names


def test_rules_fire_when_they_should() -> None:
    """Prometheus's own tool evaluates the rules over the series of rules.test.yml."""
    tool = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed; it comes with Debian's package prometheus")
    for arguments in (["check", "rules", "rules.yml"], ["test", "rules", "rules.test.yml"]):
        done = subprocess.run([tool, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_queries_can_be_read_by_prometheus(tmp_path: Path) -> None:
    """Those of the dashboard and of KEDA are valid, too."""
    tool = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed; it comes with Debian's package prometheus")
    recorded = [{"record": f"query_{number}", "expr": text} for number, (_, text) in enumerate(expressions())]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}))
    done = subprocess.run([tool, "check", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

"""Measuring several presets and telling of it."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.model.comparison import Plan, compare
from bench.model.contender import Setup
from bench.model.machine import facts
from bench.model.products import forward_flops
from bench.model.profile_report import profile_table
from bench.model.report import closing_line, memory_table, noise, targets_table, times_table
from bench.model.results import PresetResult
from bench.model.targets import judge


def measure(setups: list[Setup], plan: Plan, json_file: Path | None) -> None:
    """Measure and print; progress goes to standard error.

    Args:
        setups: A preset each; measured one after the other.
        plan: How much is measured.
        json_file: Where every sample is written, too.
    """
    out, err = Console(), Console(stderr=True)
    document: dict[str, Any] = {
        "command": shlex.join(["avemotion", *sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": facts(),
        "plan": asdict(plan),
        "presets": {},
    }
    results = []
    for setup in setups:
        result = compare(setup, plan, lambda line: err.print(line, style="dim"))
        results.append(result)
        document["presets"][setup.preset.name] = preset_document(setup, result)
        if json_file is not None:
            # After each: what was measured stays if the next one fails.
            json_file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    _print(out, results)


def preset_document(setup: Setup, result: PresetResult) -> dict[str, Any]:
    """Return what the JSON says of a preset."""
    return {
        "setup": setup.as_json(),
        "clip_flops": forward_flops(setup.preset, setup.clip, 1),
        "agreement": [asdict(agreement) for agreement in result.agreement],
        "cases": [case.as_json() for case in result.cases],
        "memory": [memory.as_json() for memory in result.memory],
        "profiles": result.profiles,
        "others_share": result.others_share,
        "targets": [{**asdict(verdict), "met": verdict.met} for verdict in judge(result)],
        "line": closing_line(result),
    }


def _print(out: Console, results: list[PresetResult]) -> None:
    out.print(times_table(results))
    if any(result.memory for result in results):
        out.print(memory_table(results))
    for result in results:
        for precision in result.profiles:
            out.print(profile_table(result, precision))
    if verdicts := [(result.preset, verdict) for result in results for verdict in judge(result)]:
        out.print(targets_table(verdicts))
    for result in results:
        if line := noise(result):
            out.print(line)
    for result in results:
        # A line is a line: no wrapping, and no colours on its numbers.
        out.print(closing_line(result), soft_wrap=True, highlight=False)

"""The runbook is whole, and names nothing that is not there."""

from __future__ import annotations

import re

import pytest
import typer
from typer.main import get_command

from client.ops import app
from tests.acceptance.runbook.page import PAGE, STEPS, anchor, commands, labels, sections
from tests.unit.deploy.test_monitoring import rules

INCIDENTS = {
    "A stuck queue",
    "A poison file",
    "A lost broker",
    "A full disk",
    "A bad release",
    "A leaked key",
}


def test_each_incident_has_each_step() -> None:
    """How it shows, where to look, how to mend it, what jobs do meanwhile, and how to see that it is over."""
    assert set(sections()) == INCIDENTS
    for heading, text in sections().items():
        assert labels(text) == list(STEPS), heading
        steps = {command.step for command in commands(text)}
        assert {"Look", "Mend", "Over"} <= steps, heading


@pytest.mark.parametrize("heading", sorted(INCIDENTS))
def test_each_command_exists_with_its_options(heading: str) -> None:
    """What the page says to type is what the command line takes."""
    group = get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    found = commands(sections()[heading])
    assert found
    for command in found:
        first, *words = command.filled_in(
            dict.fromkeys(("JOB", "KEY"), "0198c0de-0000-7000-8000-000000000001")
        )
        assert first == "ops"
        name, resolved, rest = group.resolve_command(typer.Context(group), words)
        if isinstance(resolved, typer.core.TyperGroup) and rest and not rest[0].startswith("-"):
            name, resolved, rest = resolved.resolve_command(typer.Context(resolved), rest)
        assert resolved is not None
        resolved.make_context(name, list(rest)).close()


def test_alerts_and_incidents_name_each_other() -> None:
    """Each alert leads to an incident that names it, or to a heading of another page."""
    leads = {rule["alert"]: rule["annotations"]["runbook_url"] for rule in rules()}
    anchors = {anchor(heading): heading for heading in sections()}
    named = {heading: set(re.findall(r"`(Avemotion\w+)`", text)) for heading, text in sections().items()}
    assert set().union(*named.values()) <= set(leads)
    for alert, url in leads.items():
        page, _, place = url.partition("#")
        assert page.startswith("docs/"), alert
        assert (PAGE.parents[1] / page).is_file(), alert
        if page == "docs/operations.md":
            assert alert in named[anchors[place]], alert
        else:
            headings = re.findall(r"(?m)^#+ (.+)$", (PAGE.parents[1] / page).read_text(encoding="utf-8"))
            assert place in {anchor(heading) for heading in headings}, alert

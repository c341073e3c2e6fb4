"""The pages that list something are held to the code that they list."""

from __future__ import annotations

import re
from pathlib import Path

from api.origins import REQUEST_HEADERS
from shared.errors import ErrorCode, WarningCode
from shared.settings import Settings
from tests.exported import exported_metrics

DOCS = Path(__file__).parents[2] / "docs"


def test_each_setting_is_documented_with_its_default_and_no_other_is() -> None:
    """docs/settings.md has one row a setting, with the default that the code has."""
    rows = re.findall(
        r"^\| `AVEMOTION_(\w+)` \| (?:`(.*?)`)? ?\|", (DOCS / "settings.md").read_text(), re.MULTILINE
    )

    documented = {name.lower(): default for name, default in rows}

    expected = {
        name: "" if field.default is None else str(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert documented == expected


def test_each_error_code_is_documented_with_its_status_and_no_other_is() -> None:
    """docs/errors.md has one row an error code, with its HTTP status."""
    text = (DOCS / "errors.md").read_text()

    documented = dict(re.findall(r"^\| <a id=\"\w+\"></a>`(\w+)` \| (\d+) \|", text, re.MULTILINE))

    assert documented == {code.code: str(code.status) for code in ErrorCode}


def test_each_warning_code_is_documented_and_no_other_is() -> None:
    """docs/errors.md has one row a warning code."""
    text = (DOCS / "errors.md").read_text()

    documented = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE))

    assert documented == {code.code: code.message for code in WarningCode}


def test_the_page_for_front_ends_shows_the_files_that_are_tested() -> None:
    """docs/frontend.md has each file of docs/frontend, word for word."""
    page = (DOCS / "frontend.md").read_text()
    files = sorted((DOCS / "frontend").glob("*.js*"))
    assert len(files) == 3
    for file in files:
        assert f"`frontend/{file.name}`" in page
        assert f"\n{file.read_text()}```\n" in page, file.name


def test_the_hook_is_short() -> None:
    """The hook can be read at a glance: at most 40 lines."""
    assert len((DOCS / "frontend" / "useJob.js").read_text().splitlines()) <= 40


def test_headers_that_pages_may_send_are_documented() -> None:
    """docs/frontend.md names each header that a page of another origin may send."""
    page = (DOCS / "frontend.md").read_text()
    for name in REQUEST_HEADERS.split(", "):
        assert f"`{name}`" in page


def test_each_metric_is_documented_with_its_labels_and_no_other_is() -> None:
    """docs/monitoring.md has one row a metric, with the labels that the code has."""
    rows = re.findall(
        r"^\| `(avemotion_\w+)` \|([^|]*)\|", (DOCS / "monitoring.md").read_text(), re.MULTILINE
    )

    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}

    assert documented == exported_metrics()

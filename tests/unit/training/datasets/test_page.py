"""docs/datasets.md is held to the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from training.datasets.emotions import AFFECT, EMOTIONS
from training.datasets.manifest import Row
from training.datasets.mixed import MERGED
from training.datasets.registry import DATASETS

PAGE = (Path(__file__).parents[4] / "docs" / "datasets.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    """Return what stands under a heading."""
    return PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("name", DATASETS)
def test_each_data_set_has_its_section(name: str) -> None:
    """Its labels' number and published size stand in the table, its label sources in its section."""
    layout = DATASETS[name]
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| [`{name}`]"))

    assert section(name)
    assert layout.clips is None or f"{layout.clips:,}" in row
    assert not layout.labels or f"| {len(layout.labels)}" in row
    assert all(
        f"`{source}`" in section(name) or f" {source}`" in section(name) for source in layout.label_sources
    )


def test_the_manifests_columns_are_all_there() -> None:
    """One row a column, some with two."""
    rows = re.findall(r"^\| (`.*?`) \|", section("manifest"), re.MULTILINE)

    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(Row.model_fields)


def test_the_mapping_and_the_constants_are_those_of_the_code() -> None:
    """What counts as what when data sets are mixed, and valence and arousal of a class."""
    rows = dict(re.findall(r"^  \| (\w+) \| (\w+) \|$", section("Mixed"), re.MULTILINE))
    heads, valence, arousal = (
        [cell.strip() for cell in line.strip(" |").split("|")]
        for line in section("Samples").splitlines()
        if re.match(r"  \| (\||valence|arousal)", line)
    )

    assert rows == MERGED
    found = zip(heads, valence[1:], arousal[1:], strict=True)
    assert {name: (float(v), float(a)) for name, v, a in found} == AFFECT


def test_each_emotion_is_named() -> None:
    """All that a manifest may say."""
    assert re.findall(r"\w+", section("Emotions").partition(";")[0]) == list(EMOTIONS)

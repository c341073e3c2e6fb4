"""The project's own files keep the promises that no tool checks for them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
TARGETS = [
    "run",
    "serve",
    "test",
    "test-all",
    "lint",
    "audit",
    "format",
    "contract",
    "types",
    "bench",
    "compose-test",
    "clean",
]
# Installs must go where the machine's own configuration says. The brackets keep this from finding itself.
PLACES = re.compile(
    rb"py[p]i\.org|python[h]osted\.org|npm[j]s\.(org|com)|deb\.[d]ebian\.org|--(extra-)?[i]ndex-url|--[f]ind-links|/w[o]rk/"
)


@pytest.fixture(scope="module")
def committed() -> list[Path]:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this is no git checkout: which files are committed is not known")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [path for name in listing.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A checkout whose ``avemotion`` prints its arguments, one a line."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).touch()
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "python").touch()
    command = binaries / "avemotion"
    command.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    command.chmod(0o755)
    (tmp_path / ".venv" / ".run-installed").touch()
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def pins() -> dict[str, str]:
    """Return the version of each package in constraints.txt; fail on a line that is no exact pin."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"([a-z0-9-]+)==(\S+)", line) for line in lines if not line.startswith("#")]
    assert None not in found
    return {match[1]: match[2] for match in found if match}


def test_every_dependency_is_pinned() -> None:
    """constraints.txt has an exact version, inside the asked range, for each name in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = [Requirement(line) for group in groups for line in group]
    pinned = pins()
    for requirement in wanted:
        name = canonicalize_name(requirement.name)
        if name != project["name"]:
            assert name in pinned, name
            assert requirement.specifier.contains(pinned[name]), requirement


def test_every_ignored_rule_has_a_reason() -> None:
    """Each ruff rule that pyproject.toml switches off stands on its own line with a comment."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lint = text.partition("[tool.ruff.lint]")[2].partition("[tool.ruff.lint.pydocstyle]")[0]
    ignored = [line for line in lint.splitlines() if re.match(r'\s+"[A-Z]+[0-9]*"', line)]
    assert len(ignored) > 10
    for line in ignored:
        assert re.search(r"# \w.{10,}\.$", line), line


def test_makefile_has_the_promised_targets() -> None:
    """``make`` alone lists every target that the documentation names."""
    listing = make(ROOT).stdout
    assert [line.split()[1] for line in listing.splitlines()] == ["help", *TARGETS]


@pytest.mark.parametrize(
    "clip",
    ["a clip.mp4", 'it\'s "one".mp4', "$HOME $(shell id) `id`.mp4", "-x.mp4", "a;b&c\\d.mp4", "été 🎬.mp4"],
)
def test_clip_reaches_the_command_as_it_was_given(installed: Path, clip: str) -> None:
    """``make run CLIP=…`` passes any file name on, and runs nothing that stands in it."""
    assert make(installed, "run", f"CLIP={clip}").stdout == f"run\n--\n{clip}\n"


def test_run_without_clip_names_none(installed: Path) -> None:
    """``make run`` leaves the choice of the clip to the command."""
    assert make(installed, "run").stdout == "run\n"


def test_missing_python_is_explained(installed: Path) -> None:
    """Where no supported Python is found, ``make`` says which would do."""
    shutil.rmtree(installed / ".venv")
    done = make(installed, "run", "PYTHON=")
    assert done.returncode != 0
    assert "No Python 3.11, 3.12 or 3.13" in done.stderr


def test_hooks_come_from_this_checkout() -> None:
    """pre-commit fetches nothing: every hook is a tool of the virtual environment."""
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"repo: (\S+)", text) == ["local"]
    assert set(re.findall(r"language: (\S+)", text)) == {"system"}


def test_no_committed_file_names_a_package_server(committed: list[Path]) -> None:
    """Where packages come from is each machine's own business."""
    assert [str(path) for path in committed if PLACES.search(path.read_bytes())] == []


def test_ci_script_can_be_run() -> None:
    """.ci/run is executable and stops at the first failure."""
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")

"""The code of the release before, from this checkout's history."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from migrations.upgrade import alembic_config

ROOT = Path(__file__).parents[2]


def unpack_release_before(folder: Path) -> Path:
    """Unpack the commit before the newest migration, and return its folder; skip where none is known."""
    script = ScriptDirectory.from_config(alembic_config()).get_revision("head")
    migration = Path(script.path).relative_to(ROOT)
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this is no git checkout: the code of the release before is not here")
    if _git("rev-parse", "--is-shallow-repository").strip() == b"true":
        pytest.skip("the checkout is shallow: `git fetch --unshallow` brings the code of the release before")
    log = ("log", "-m", "--first-parent", "--diff-filter=A", "--format=%H")
    added = _git(*log, "--", str(migration)).split()
    # One that is being written stands in no commit yet.
    commit = f"{added[-1].decode()}^" if added else "HEAD"
    with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", commit))) as archive:
        archive.extractall(folder, filter="data")
    assert not (folder / migration).exists()
    return folder


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout

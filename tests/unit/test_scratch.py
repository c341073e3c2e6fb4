"""Temporary folders and what becomes of them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from shared.scratch import scratch_folder, sweep_scratch


def test_a_folder_is_gone_with_its_work(tmp_path: Path) -> None:
    """A scratch folder is private, and nothing of it is left at the end."""
    with scratch_folder(tmp_path) as folder:
        (folder / "segment.mp4").write_bytes(b"faces")
        assert folder.is_absolute()
        assert folder.stat().st_mode & 0o077 == 0

    assert list(tmp_path.iterdir()) == []


def test_what_the_killed_left_is_removed(tmp_path: Path) -> None:
    """Old folders go with all they hold; young ones, links and other people's folders stay."""
    with scratch_folder(tmp_path) as young:
        old = tmp_path / "avemotion-work-old"
        old.mkdir()
        (old / "segment.mp4").write_bytes(b"faces")
        other, link = tmp_path / "other", tmp_path / "avemotion-work-link"
        other.mkdir()
        link.symlink_to(other)
        for path in (old, other):
            os.utime(path, (time.time() - 100, time.time() - 100))

        assert sweep_scratch(tmp_path, age_s=50) == 1

        assert set(tmp_path.iterdir()) == {young, other, link}

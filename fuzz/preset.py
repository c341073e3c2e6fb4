"""A size of encoder so small that a file of its weights is read in no time."""

from __future__ import annotations

from typing import Final

from worker.model.presets import Preset

MINI: Final = Preset("mini", width=8, depth=1, heads=1)

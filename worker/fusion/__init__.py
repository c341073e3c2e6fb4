"""Fusion: what of a window's face and voice the model takes, and in which order.

Each way of fusing is one function of the same form, found here by the name that jobs use.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from worker.fusion import early, hybrid, late
from worker.fusion.fused import FusedWindows, Fusion, Heard, Seen

FUSIONS: Mapping[str, Fusion] = MappingProxyType(
    {"early": early.fuse, "late": late.fuse, "hybrid": hybrid.fuse}
)

__all__ = ["FUSIONS", "FusedWindows", "Fusion", "Heard", "Seen"]

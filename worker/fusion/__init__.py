"""Fusion: what of a window's face and voice the model takes, and in which order.

Each way of fusing is one function of the same form, found here by the name that jobs use.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from worker.fusion import early
from worker.fusion.fused import FusedWindows, Fusion

FUSIONS: Mapping[str, Fusion] = MappingProxyType({"early": early.fuse})

__all__ = ["FUSIONS", "FusedWindows", "Fusion"]

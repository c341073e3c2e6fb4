"""Early fusion: audio images and face frames in one sequence for one encoder."""

from __future__ import annotations

from shared.catalog import ModelConfig
from worker.fusion.fused import FusedWindows, Heard, Seen
from worker.fusion.layouts import arrange
from worker.fusion.pictures import gather


def fuse(seen: Seen, heard: Heard, config: ModelConfig) -> FusedWindows:
    """Return one sequence a window, as ``frames``: uint8 (windows, frames, size, size, 3).

    The checkpoint's layout says how the pictures share it. Arguments and errors are those of ``Fusion``.
    """
    pictures = gather(seen, heard, config)
    frames = arrange(config, pictures.joined, pictures.present)
    return pictures.fused(frames, frames=frames)

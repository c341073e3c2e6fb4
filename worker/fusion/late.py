"""Late fusion: a branch for the face and one for the voice, joined behind their encoders."""

from __future__ import annotations

from shared.catalog import ModelConfig
from worker.fusion.fused import FusedWindows, Heard, Seen
from worker.fusion.pictures import gather


def fuse(seen: Seen, heard: Heard, config: ModelConfig) -> FusedWindows:
    """Return ``faces`` and ``images``, each uint8 (windows, num_frame, size, size, 3).

    Arguments and errors are those of ``Fusion``.
    """
    pictures = gather(seen, heard, config)
    return pictures.fused(pictures.joined, faces=pictures.faces, images=pictures.images)

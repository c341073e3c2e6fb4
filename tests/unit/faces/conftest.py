from __future__ import annotations

import pytest

from tests.unit.faces.clips import carphone
from worker.faces.landmarker import Landmarker
from worker.faces.track import FaceTrack


@pytest.fixture(scope="session")
def landmarker() -> Landmarker:
    return Landmarker.load()


@pytest.fixture(scope="session")
def talking(landmarker: Landmarker) -> FaceTrack:
    """The whole clip "carphone", every tenth crop kept."""
    return landmarker.analyze(
        carphone(),
        fps=25,
        first_frame=0,
        keep=range(0, 120, 10),
        crop_size=224,
        checkpoint=lambda: None,
    )

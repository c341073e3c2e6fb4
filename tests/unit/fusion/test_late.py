from __future__ import annotations

import numpy as np

from tests.unit.fusion.scenes import AUDIO, COUNT, FACE_ONLY, ROWS, heard, make_config, numbers, seen
from worker.fusion import FUSIONS

fuse = FUSIONS["late"]
CONFIG = make_config("late")


def test_face_and_voice_come_apart() -> None:
    """Late fusion gives the faces to one branch and the audio images to the other."""
    fused = fuse(seen(), heard(), CONFIG)

    assert list(fused.inputs) == ["present", "faces", "images"]
    assert numbers(fused.inputs["faces"]) == ROWS.tolist()
    assert numbers(fused.inputs["images"]) == AUDIO.tolist()
    assert fused.modalities == [("audio", "video")] * 2


def test_people_are_shown_images_before_faces() -> None:
    """A row of the sheet is a window's images and then its faces."""
    fused = fuse(seen(), heard(), CONFIG)

    assert numbers(fused.shown) == [[*images, *faces] for images, faces in zip(AUDIO, ROWS, strict=True)]


def test_a_branch_without_anything_is_black() -> None:
    """Without sound the images are black, in the input and on the sheet, and `present` says so."""
    fused = fuse(seen(), FACE_ONLY, CONFIG)

    assert not fused.inputs["images"].any()
    assert not fused.shown[:, :COUNT].any()
    assert numbers(fused.inputs["faces"]) == ROWS.tolist()
    np.testing.assert_array_equal(fused.inputs["present"], [[0, 1], [0, 1]])

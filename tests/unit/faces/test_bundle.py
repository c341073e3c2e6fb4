from __future__ import annotations

import hashlib
import io
import zipfile

import pytest

from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from worker.faces import load_analyzer
from worker.faces.landmarker.bundle import read_bundle, unpack


def test_shipped_file_matches_its_checksum() -> None:
    """The models that come with the package pass the check and hold the three networks."""
    networks = {name for name in read_bundle() if name.endswith(".tflite")}

    assert networks == {"face_detector.tflite", "face_landmarks_detector.tflite", "face_blendshapes.tflite"}


def test_damaged_file_makes_the_analyzer_unavailable() -> None:
    """One wrong byte in the model file is a typed error, not a crash in the interpreter."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("face_detector.tflite", b"model")
    whole = buffer.getvalue()
    checksum = hashlib.sha256(whole).hexdigest()

    assert unpack(whole, checksum) == {"face_detector.tflite": b"model"}
    with pytest.raises(AvemotionError) as error:
        unpack(whole[:-1] + b"\x01", checksum)
    assert error.value.code is ErrorCode.ANALYZER_UNAVAILABLE


def test_analyzers_are_loaded_by_name_and_once() -> None:
    """The landmarker is loaded once a process; a name without an analyzer is a typed error."""
    settings = Settings()
    analyzer = load_analyzer("landmarker", settings)

    assert analyzer.name == "landmarker"
    assert load_analyzer("landmarker", settings) is analyzer
    with pytest.raises(AvemotionError) as error:
        load_analyzer("astrologer", settings)
    assert error.value.code is ErrorCode.ANALYZER_UNAVAILABLE

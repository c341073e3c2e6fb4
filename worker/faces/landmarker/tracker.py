"""One face followed from frame to frame; the detector helps only where the face is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from worker.faces.landmarker.detector import Detector, closer_views, whole_view
from worker.faces.landmarker.mesh import Mesh, MeshModel
from worker.faces.landmarker.region import Region

MIN_PRESENCE: Final = 0.5
# How often the faces are counted while one is followed.
_COUNT_INTERVAL_S: Final = 1.0
# How often a frame without a face is searched for small ones.
_SEARCH_INTERVAL_S: Final = 0.2
# How long a lost face's place is kept where others are around that it must not be mistaken for.
_HOLD_S: Final = 0.5
# What of a detection's region is looked at where no face was seen in it.
_CLOSER: Final = 0.75
# Detections looked at in one frame, the largest first.
_MAX_DETECTIONS: Final = 5


class Sighting(NamedTuple):
    """What was seen in a frame: the face, if any, and how sure the landmark model is, in [0, 1]."""

    face: Mesh | None
    confidence: float


class Tracker:
    """Follows the largest face, and then the same one as long as it can be seen.

    Attributes:
        most_faces: The most faces seen in one frame so far; counted up to five.
    """

    def __init__(self, detector: Detector, model: MeshModel, fps: float) -> None:
        """Start without a face, for frames at ``fps``."""
        self._detector = detector
        self._model = model
        self._count_interval_frames = max(1, round(_COUNT_INTERVAL_S * fps))
        self._search_interval_frames = max(1, round(_SEARCH_INTERVAL_S * fps))
        self._hold_frames = round(_HOLD_S * fps)
        self._region: Region | None = None
        self._frames_followed = 0
        self._frames_lost = 0
        self.most_faces = 0

    def follow(self, frame: NDArray[np.uint8]) -> Sighting:
        """Return the face in the next frame."""
        sighting = self._track(frame)
        if sighting.face is None:
            sighting = self._recover(frame, sighting.confidence)
        elif self._frames_followed % self._count_interval_frames == 0:
            others, _ = self._read(frame, [whole_view(*frame.shape[:2])], [sighting.face])
            self.most_faces = max(self.most_faces, 1 + len(others))
        if sighting.face is None:
            self._frames_lost += 1
            self._frames_followed = 0
        else:
            self._region = sighting.face.region()
            self._frames_lost = 0
            self._frames_followed += 1
        return sighting

    def _track(self, frame: NDArray[np.uint8]) -> Sighting:
        """Look where the face was in the last frame."""
        if self._region is None or self._frames_lost:
            return Sighting(None, 0)
        mesh = self._model.read(frame, self._region)
        return Sighting(mesh if mesh.presence >= MIN_PRESENCE else None, mesh.presence)

    def _recover(self, frame: NDArray[np.uint8], confidence: float) -> Sighting:
        """Look for a face to follow in all of the frame."""
        size = frame.shape[:2]
        faces, doubt = self._read(frame, [whole_view(*size)], [])
        if not faces and self._frames_lost % self._search_interval_frames == 0:
            faces, doubt = self._read(frame, closer_views(*size), [])
        face = self._choose(faces)
        self.most_faces = max(self.most_faces, len(faces))
        return Sighting(face, face.presence if face else max(confidence, doubt))

    def _read(
        self, frame: NDArray[np.uint8], views: list[Region], known: list[Mesh]
    ) -> tuple[list[Mesh], float]:
        """Return the faces not yet known, the largest first, and the highest presence of what is none."""
        taken = [mesh.region() for mesh in known]
        faces, doubt = [], 0.0
        for detection in self._detector.detect(frame, views)[:_MAX_DETECTIONS]:
            start = detection.region()
            if any(is_near(start, region) for region in taken):
                continue
            mesh = self._model.read(frame, start)
            if mesh.presence < MIN_PRESENCE:
                # A face that fills the frame is detected larger than it is.
                mesh = self._model.read(frame, replace(start, side=start.side * _CLOSER))
            region = mesh.region()
            if mesh.presence < MIN_PRESENCE:
                doubt = max(doubt, mesh.presence)
            elif not any(is_near(region, other) for other in taken):
                faces.append(mesh)
                taken.append(region)
        return sorted(faces, key=lambda face: -face.region().side), doubt

    def _choose(self, faces: list[Mesh]) -> Mesh | None:
        """Return the face to follow from now on: the one where the face was lost, else the largest.

        A lone face elsewhere is taken at once: it moved, or the scene was cut. Where several have
        been seen, the lost one is given some time to come back first.
        """
        if self._region is not None and self._frames_lost < self._hold_frames:
            near = [face for face in faces if is_near(face.region(), self._region)]
            if near or self.most_faces > 1:
                return near[0] if near else None
        return faces[0] if faces else None


def is_near(region: Region, other: Region) -> bool:
    """Return whether two regions may hold the same face: the middle of one is well inside the other."""
    return bool(np.hypot(region.x - other.x, region.y - other.y) < other.side / 3)

"""Who is measured: the built-in analyzer, and MediaPipe's own landmarker where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.resources import files

from bench.faces.run import Analyze, Frame
from worker.faces.landmarker import Landmarker

# What the service keeps: 8 crops for a window of 2 s.
CROPS_PER_S = 4
CROP_SIDE_PX = 224


def load_landmarker() -> Analyze:
    """Load the built-in analyzer."""
    landmarker = Landmarker.load()

    def analyze(frames: Iterator[Frame], count: int, fps: float, checkpoint: Callable[[], None]) -> int:
        track = landmarker.analyze(
            frames,
            fps=fps,
            first_frame=0,
            keep=range(0, count, max(1, round(fps / CROPS_PER_S))),
            crop_size=CROP_SIDE_PX,
            checkpoint=checkpoint,
        )
        return int(track.table.success.sum())

    return analyze


def load_mediapipe() -> Analyze:
    """Load MediaPipe's landmarker with the same models, for video, blendshapes included.

    Raises:
        ImportError: The package ``mediapipe`` is not installed.
    """
    mediapipe, tasks = import_module("mediapipe"), import_module("mediapipe.tasks.python")
    vision = tasks.vision
    model = files("worker.faces.models").joinpath("face_landmarker.task").read_bytes()
    options = vision.FaceLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_buffer=model),
        running_mode=vision.RunningMode.VIDEO,
        output_face_blendshapes=True,
    )

    def analyze(frames: Iterator[Frame], count: int, fps: float, checkpoint: Callable[[], None]) -> int:
        faces = 0
        with vision.FaceLandmarker.create_from_options(options) as landmarker:
            for index, frame in zip(range(count), frames, strict=False):
                checkpoint()
                image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=frame)
                faces += bool(landmarker.detect_for_video(image, round(index * 1000 / fps)).face_landmarks)
        return faces

    return analyze

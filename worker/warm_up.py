"""Loading what takes long before the first task asks for it."""

from __future__ import annotations

from shared.settings import Settings


def warm_media_parent(settings: Settings) -> None:
    """Import and compile once for all children."""
    from worker.audio.features import warm_up  # noqa: PLC0415 - only media workers have librosa

    warm_up(settings.data_dir / "cache" / "numba")


def warm_media_child(settings: Settings) -> None:
    """Load the default analyzer; its interpreters do not survive a fork."""
    import cv2  # noqa: PLC0415 - only media workers have OpenCV

    from worker.faces import load_analyzer  # noqa: PLC0415

    # One child a core: threads inside them would only get in each other's way.
    cv2.setNumThreads(1)
    load_analyzer("landmarker", settings)


def warm_model(settings: Settings) -> None:
    """Load the default model, so that the first job does not wait for it.

    TensorFlow is loaded here and never in the parent: it does not survive a fork.
    """
    from worker.stages.inference import engine_of  # noqa: PLC0415

    engine_of(settings.model).warm_up()

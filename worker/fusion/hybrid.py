"""Hybrid fusion: the sequence of early fusion, the spectrogram itself, and what the analyzer measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from shared.catalog.config import FaceSeries
from worker.fusion.fused import FusedWindows, Heard, Seen
from worker.fusion.layouts import AUDIO, VIDEO, arrange
from worker.fusion.pictures import gather

Floats = NDArray[np.float32]


def fuse(seen: Seen, heard: Heard, config: ModelConfig) -> FusedWindows:
    """Return ``frames`` as early fusion does, ``log_mel`` and ``series``.

    ``log_mel`` is float32 (windows, mel_bands, mel_steps) in dB, at the floor in windows without sound.
    ``series`` is float32 (windows, steps, columns), NaN in windows without a face. Arguments and errors
    are those of ``Fusion``.
    """
    if config.series is None:
        raise ValueError("The configuration has no series of the face table.")
    pictures = gather(seen, heard, config)
    frames = arrange(config, pictures.joined, pictures.present)
    return pictures.fused(
        frames,
        frames=frames,
        log_mel=_where_present(
            heard.log_mel,
            pictures.present[:, AUDIO],
            (config.audio.mel_bands, config.mel_steps),
            config.audio.floor_db,
        ),
        series=_where_present(seen.series, pictures.present[:, VIDEO], _shape(config.series), np.nan),
    )


def _shape(series: FaceSeries) -> tuple[int, int]:
    return series.steps, len(series.columns)


def _where_present(
    values: Floats | None, present: NDArray[np.bool_], shape: tuple[int, int], missing: float
) -> Floats:
    """Return the values of windows that have the modality, (windows, *shape), and ``missing`` elsewhere."""
    windows = (len(present), *shape)
    if values is None and not present.any():
        return np.full(windows, missing, np.float32)
    if values is None or values.shape != windows:
        given = "No values" if values is None else f"Values of shape {values.shape}"
        raise ValueError(f"{given}; the model takes {windows}.")
    return np.where(present[:, None, None], values, np.float32(missing))

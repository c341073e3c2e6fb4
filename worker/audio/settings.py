"""How this version turns sound into what a model takes; a checkpoint names the same, or is not served."""

from __future__ import annotations

from typing import Final

from shared.catalog import AudioSettings, ModelCard
from shared.errors import AvemotionError, ErrorCode
from worker.audio import features, images
from worker.audio.samples import SAMPLE_RATE_HZ

AUDIO: Final = AudioSettings(
    sample_rate_hz=SAMPLE_RATE_HZ,
    frame_samples=features.FRAME_SAMPLES,
    hop_samples=features.HOP_SAMPLES,
    mel_bands=features.MEL_BANDS,
    mfcc_count=features.MFCC_COUNT,
    lowest_hz=features.LOWEST_HZ,
    highest_hz=features.HIGHEST_HZ,
    floor_db=features.FLOOR_DB,
    image_span_s=images.SPAN_S,
)


def check_audio(card: ModelCard) -> None:
    """Raise unless the model was made for sound as it is heard here.

    Raises:
        AvemotionError: ``MODEL_UNAVAILABLE``, with what differs.
    """
    wanted, here = card.audio.model_dump(), AUDIO.model_dump()
    differences = [f"{name} {wanted[name]}, not {here[name]}" for name in here if wanted[name] != here[name]]
    if differences:
        raise AvemotionError(
            ErrorCode.MODEL_UNAVAILABLE,
            f"The model {card.id} was made for sound with {'; '.join(differences)}.",
        )

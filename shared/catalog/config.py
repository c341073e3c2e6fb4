"""``config.json``: all that decides what a model computes, its weights aside."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

PresetName = Literal["tiny", "small", "base", "large", "huge"]
FusionName = Literal["early", "late", "hybrid"]
LayoutName = Literal["audio-first", "video-first", "stacked", "alternating", "summed", "random"]

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
# Labels become column names (``p_anger``) in bulk results.
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Colour = tuple[float, float, float]
Spread = tuple[Positive, Positive, Positive]


class Record(BaseModel):
    """A part of a checkpoint's JSON files; a key that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Normalisation(Record):
    """What pixels in [0, 1] are shifted and divided by, as RGB."""

    mean: Colour
    std: Spread


class AudioSettings(Record):
    """How the sound was turned into images when the model was trained."""

    sample_rate_hz: Count
    frame_samples: Count
    hop_samples: Count
    mel_bands: Count
    mfcc_count: Count
    lowest_hz: Annotated[float, Field(ge=0)]
    highest_hz: Positive
    floor_db: float
    image_span_s: Positive


class ModelConfig(Record):
    """All that decides what a model computes, its weights aside."""

    format: Literal[1] = Field(description="Version of the checkpoint format.")
    preset: PresetName = Field(description="Size of the encoder.")
    fusion: FusionName = Field(description="How face and voice are joined.")
    layout: LayoutName | None = Field(description="Order of an early sequence; null with other fusions.")
    labels: Annotated[tuple[Label, ...], Field(min_length=2)] = Field(
        description="Emotions, in the order of the model's outputs."
    )
    frames: Annotated[int, Field(ge=2, multiple_of=2)] = Field(description="Frames of one model input.")
    input_size: Annotated[int, Field(ge=16, multiple_of=16)] = Field(description="Side of a frame in pixels.")
    num_frame: Count = Field(description="Frames of each modality in a window.")
    window_s: Positive = Field(description="Length of the windows that the model was made for.")
    normalisation: Normalisation
    audio: AudioSettings

    @field_validator("labels")
    @classmethod
    def _are_distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(labels)) < len(labels):
            raise ValueError("a label stands twice")
        return labels

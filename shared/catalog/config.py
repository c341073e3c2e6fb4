"""``config.json``: all that decides what a model computes, its weights aside."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shared.catalog.series import UNIT_OF

PresetName = Literal["nano", "tiny", "small", "base", "large", "huge"]
FusionName = Literal["early", "late", "hybrid"]
LayoutName = Literal["audio-first", "video-first", "stacked", "alternating", "summed", "random"]
JoinName = Literal["logits", "features"]

# Version of the checkpoint format that is written and read.
FORMAT = 1

TUBELET_FRAMES = 2
PATCH_SIDE_PX = 16
# A patch of the log-mel spectrogram is 16 bands high and 8 columns (80 ms) long: about one speech sound.
MEL_PATCH_BANDS = 16
MEL_PATCH_STEPS = 8
# Each model input carries as many frames as a modality has: the pictures share them.
SHARED_FRAMES: frozenset[LayoutName] = frozenset({"stacked", "summed"})

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
# Labels become column names (``p_anger``) in bulk results.
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Colour = tuple[float, float, float]
Spread = tuple[Positive, Positive, Positive]


class Record(BaseModel):
    """A part of a checkpoint's JSON files; a key that is not known is an error."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        # The API answers every field.
        json_schema_serialization_defaults_required=True,
    )


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
    floor_db: Annotated[float, Field(lt=0)]
    image_span_s: Positive

    @model_validator(mode="after")
    def _spans_a_range(self) -> AudioSettings:
        if self.lowest_hz >= self.highest_hz:
            raise ValueError(f"lowest_hz {self.lowest_hz:g} is not below highest_hz {self.highest_hz:g}")
        return self


class FaceSeries(Record):
    """Which columns of the face table a model of hybrid fusion takes, and how often a window."""

    columns: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="Columns of `faces.csv`, in the order of the model's input."
    )
    steps: Count = Field(description="Instants of a window, evenly spread.")

    @field_validator("columns")
    @classmethod
    def _are_known(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [column for column in columns if column not in UNIT_OF]
        if unknown:
            raise ValueError(f"no action unit, pose or gaze is named {', '.join(unknown)}")
        if len(set(columns)) < len(columns):
            raise ValueError("a column stands twice")
        return columns


class ModelConfig(Record):
    """All that decides what a model computes, its weights aside."""

    format: Literal[1] = Field(description="Version of the checkpoint format.")
    preset: PresetName = Field(description="Size of the encoder.")
    fusion: FusionName = Field(description="How face and voice are joined.")
    layout: LayoutName | None = Field(
        description="How faces and audio images share a sequence; null with late fusion."
    )
    layout_seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of the layout `random`.")
    join: JoinName | None = Field(None, description="What late fusion joins; null with other fusions.")
    shared_encoder: bool = Field(
        default=False, description="Whether the two branches of late fusion share one encoder."
    )
    series: FaceSeries | None = Field(
        None, description="Action units, pose and gaze of hybrid fusion; null with other fusions."
    )
    labels: Annotated[tuple[Label, ...], Field(min_length=2)] = Field(
        description="Emotions, in the order of the model's outputs."
    )
    frames: Annotated[int, Field(ge=2, multiple_of=2)] = Field(description="Frames of one model input.")
    input_size: Annotated[int, Field(ge=16, multiple_of=16)] = Field(description="Side of a frame in pixels.")
    face_zoom: Positive = Field(
        1.0, description="How much closer the face is shown than in the usual crop, from forehead to chin."
    )
    num_frame: Count = Field(description="Frames of each modality in a window.")
    window_s: Positive = Field(description="Length of the windows that the model was made for.")
    temperature: Positive = Field(
        1.0, description="What the logits are divided by, so that probabilities can be believed."
    )
    normalisation: Normalisation
    audio: AudioSettings

    @field_validator("labels")
    @classmethod
    def _are_distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(labels)) < len(labels):
            raise ValueError("a label stands twice")
        return labels

    @model_validator(mode="after")
    def _goes_together(self) -> ModelConfig:
        late, hybrid = self.fusion == "late", self.fusion == "hybrid"
        if late != (self.layout is None):
            raise ValueError("early and hybrid fusion need a layout, and late fusion has none")
        if late != (self.join is not None):
            raise ValueError("late fusion needs a join, and no other fusion has one")
        if self.layout_seed and self.layout != "random":
            raise ValueError("layout_seed belongs to the layout random, and to no other")
        if self.shared_encoder and not late:
            raise ValueError("only the two branches of late fusion can share an encoder")
        if hybrid != (self.series is not None):
            raise ValueError("hybrid fusion needs a series, and no other fusion has one")
        modalities = 1 if late or self.layout in SHARED_FRAMES else 2
        if self.frames != modalities * self.num_frame:
            raise ValueError(
                f"frames must be {modalities} times num_frame with this fusion and layout, "
                f"and is {self.frames}, not {modalities * self.num_frame}"
            )
        if self.num_frame % TUBELET_FRAMES:
            raise ValueError("num_frame must be even: the encoder takes two frames at a time")
        if self.layout == "stacked" and self.input_size % (2 * PATCH_SIDE_PX):
            raise ValueError("the layout stacked needs an input_size that 32 divides: half of it each")
        if hybrid and self.audio.mel_bands % MEL_PATCH_BANDS:
            raise ValueError(f"hybrid fusion needs mel_bands that {MEL_PATCH_BANDS} divides")
        return self

    @property
    def mel_steps(self) -> int:
        """Columns of the log-mel spectrogram that hybrid fusion takes of a window."""
        hops = self.window_s * self.audio.sample_rate_hz / self.audio.hop_samples
        return max(1, round(hops / MEL_PATCH_STEPS)) * MEL_PATCH_STEPS

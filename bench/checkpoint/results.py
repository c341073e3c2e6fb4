"""What the parts of the bench have found: what is written as JSON and printed.

Rates and shares are in [0, 1]. Intervals are of 95 %, by drawing speakers, or samples where nobody knows
them.
"""

from __future__ import annotations

from pydantic import Field

from training.evaluation.document import AblationRow, LabelFigures, Part, Rates


class Telling(Part):
    """How well a model tells emotions."""

    rates: Rates
    ece: float = Field(description="Expected calibration error of the probabilities as they are served.")
    by_label: tuple[LabelFigures, ...]


class Stills(Part):
    """Pictures of faces, each as a clip in which nothing moves."""

    data: str
    pictures: int
    without_face: int = Field(description="Pictures in which no face was found.")
    all_pictures: Rates = Field(description="A picture without a face counts as wrong.")
    with_face: Telling


class Comparison(Part):
    """Several ways of scoring the same samples, and how far each is from the first."""

    title: str
    reference: str = Field(description="What the others are compared with.")
    rates: Rates
    rows: tuple[AblationRow, ...]
    notes: tuple[str, ...] = Field((), description="What a reader must know of the figures.")


class ClipRow(Part):
    """What was said of one clip, by what was shown of it; null where nothing could be said."""

    clip: str
    truth: str | None
    said: dict[str, str | None]
    confidence: dict[str, float | None]


class Clips(Part):
    """Real clips, one by one."""

    rows: tuple[ClipRow, ...]
    labelled: int
    right: dict[str, int] = Field(description="Of the labelled ones, by what was shown.")


class SpeedRow(Part):
    """How long the service took for one clip, a job after the other."""

    clip: str
    duration_s: float
    total_s: tuple[float, ...] = Field(description="From the request to the end, each time.")
    stages_s: tuple[float, ...] = Field(description="Work of the stages alone, each time.")
    median_s: float
    of_real_time: float = Field(description="The median by the clip's length.")


class Speed(Part):
    """How long the warm service takes."""

    cores: int
    rows: tuple[SpeedRow, ...]


Result = Stills | Comparison | Clips | Speed

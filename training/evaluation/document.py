"""The report as a document: what ``report.json`` holds.

Shares and rates are in [0, 1]; matrices have a row a true label and a column a predicted one.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

FORMAT: Literal[1] = 1


class Part(BaseModel):
    """A part of the report; what is not known is null, never NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Estimate(Part):
    """A figure with its 95 % interval; null where it has no value."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, value: float, low: float = math.nan, high: float = math.nan) -> Self:
        """Return the figure, with null for what is no finite number."""
        known = [float(number) if math.isfinite(number) else None for number in (value, low, high)]
        return cls(value=known[0], low=known[1], high=known[2])


class Rates(Part):
    """The three figures that sum up how well emotions are told."""

    samples: int = Field(description="Labelled samples that they are from.")
    speakers: int = Field(description="Known speakers among them.")
    war: Estimate = Field(description="Accuracy, which is the weighted average recall.")
    uar: Estimate = Field(description="Unweighted average recall, over the labels that occur.")
    macro_f1: Estimate = Field(description="Mean F1 score, over the labels that occur.")


class LabelFigures(Part):
    """How well one label is told."""

    label: str
    support: int = Field(description="Samples with this true label.")
    predicted: int = Field(description="Samples given this label.")
    recall: Estimate
    precision: Estimate
    f1: Estimate
    excess: Estimate = Field(description="Its share of the predictions less its share of the truth.")


class Bin(Part):
    """Samples of a range of confidence."""

    low: float = Field(description="Lower end of the range.")
    high: float = Field(description="Upper end of the range.")
    samples: int
    confidence: float = Field(description="Mean confidence of the samples.")
    accuracy: float = Field(description="Share of the samples that were given their true label.")


class Reliability(Part):
    """How far confidence can be taken at its word."""

    nll: Estimate = Field(description="Negative log-likelihood, nats a sample.")
    brier: Estimate = Field(description="Squared distance to the one-hot truth, 0 to 2.")
    ece: float = Field(description="Expected calibration error, bins of equal width.")
    ece_equal_mass: float = Field(description="The same with bins that hold equally many samples.")
    bins: tuple[Bin, ...] = Field(description="The bins of equal width that hold a sample.")


class Calibration(Part):
    """Reliability before and after the logits are divided by a temperature."""

    temperature: float = Field(description="The one that the checkpoint keeps.")
    temperature_samples: int = Field(description="Samples that it was fitted on.")
    basis: str = Field(description="What the temperatures behind `after` were fitted on.")
    note: str | None = Field(description="Why it is not what the samples ask for; null if it is.")
    before: Reliability
    after: Reliability


class Agreement(Part):
    """How far predicted and true values of one dimension agree."""

    dimension: Literal["valence", "arousal"]
    samples: int
    ccc: Estimate = Field(description="Concordance correlation coefficient.")
    pearson: Estimate
    mae: Estimate = Field(description="Mean absolute error, on a scale from -1 to 1.")


class Affect(Part):
    """Valence and arousal; people's annotations and constants of a class are kept apart."""

    regression: tuple[Agreement, ...] = Field(description="On samples that people annotated.")
    class_constants: tuple[Agreement, ...] = Field(
        description="Agreement with constants of the class (pseudo-labels): no measure of regression."
    )
    pseudo_labels: dict[str, tuple[float, float]] = Field(
        description="Valence and arousal that stand for each class."
    )
    sentence: str = Field(description="What these figures are, and are not.")


class FoldRow(Part):
    """Figures of one fold."""

    fold: int
    samples: int
    speakers: int
    war: float | None
    uar: float | None
    macro_f1: float | None
    ece: float | None = Field(description="After temperature scaling.")


class Folds(Part):
    """Figures fold by fold, and how they scatter."""

    rows: tuple[FoldRow, ...]
    mean: dict[str, float] = Field(description="Mean over the folds, by figure.")
    std: dict[str, float] = Field(description="Standard deviation over the folds (n - 1), by figure.")


class DatasetRow(Part):
    """One data set of a mixture."""

    name: str
    samples: int = Field(description="All of its samples, labelled or not.")
    folds: int
    counts: dict[str, int] = Field(description="Samples by true label.")
    rates: Rates | None = Field(description="Null where none of its samples is labelled.")
    ece: float | None = Field(description="After temperature scaling.")


class GroupRow(Part):
    """Samples that share a value of an attribute, beside all others of which it is known."""

    value: str
    rates: Rates
    difference: Estimate = Field(description="UAR less that of the other groups, over labels of both.")
    recalls: dict[str, float | None]


class GroupTable(Part):
    """Groups by one attribute."""

    attribute: str
    rows: tuple[GroupRow, ...]


class AblationRow(Part):
    """Another way of scoring the same samples."""

    name: str
    rates: Rates
    war_difference: Estimate = Field(description="Its WAR less that of the model, sample by sample.")
    uar_difference: Estimate
    macro_f1_difference: Estimate


class Bootstrap(Part):
    """How intervals were made."""

    unit: Literal["speakers", "samples", "speakers and samples"] = Field(description="What was drawn.")
    clusters: int
    draws: int
    seed: int
    caution: str | None


class Report(Part):
    """What is known of a model from samples that it was not trained on."""

    format: Literal[1] = FORMAT
    title: str
    date: dt.datetime
    labels: tuple[str, ...]
    absent: tuple[str, ...] = Field(description="Labels that no sample has: means leave them out.")
    samples: int = Field(description="All samples, labelled or not.")
    rates: Rates
    majority_war: float = Field(description="WAR of always saying the most frequent label.")
    chance_uar: float = Field(description="UAR of always saying the same label.")
    bootstrap: Bootstrap
    by_label: tuple[LabelFigures, ...]
    confusion: tuple[tuple[int, ...], ...]
    calibration: Calibration
    affect: Affect
    folds: Folds
    datasets: tuple[DatasetRow, ...]
    groups: tuple[GroupTable, ...]
    ablation: tuple[AblationRow, ...]
    curves: dict[str, tuple[dict[str, float | None], ...]]
    context: dict[str, JsonValue]
    notes: tuple[str, ...] = Field(description="What a reader must know of the figures.")

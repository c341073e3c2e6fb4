"""The card of imported weights: where they come from, and what they may be used for."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from shared.catalog import Normalisation
from shared.catalog.config import Count, Record
from worker.model.sources.names import FamilyName
from worker.model.sources.source import Kind
from worker.model.weights_fault import invalid

WEIGHTS_SUFFIX, CARD_SUFFIX = ".weights.h5", ".card.json"
LARGEST_BYTES = 16 * 2**20

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(min_length=1)]
LicenceBasis = Literal["given", "model page", "published form", "unknown"]
NormalisationBasis = Literal["preprocessor_config.json", "official"]


class Origin(Record):
    """The file or folder that weights were imported from."""

    name: Text = Field(description="Name of the file or folder.")
    kind: Kind = Field(description="What held the tensors.")
    family: FamilyName = Field(description="Whose names, or whose order, the tensors had.")
    sha256: Sha256 = Field(description="Hash of the file; of a folder, see docs/weights.md.")


class WeightsCard(Record):
    """What is known of a weights file that was imported."""

    format: Literal[1] = Field(1, description="Version of this card.")
    weights: Text = Field(description="Name of the weights file, which lies beside the card.")
    weights_sha256: Sha256 = Field(
        description="Hash over the named weights in order, as `worker.model.weights` computes it."
    )
    preset: Text = Field(description="Size of the encoder.")
    source: Origin
    licence: Text = Field(description="SPDX name of the weights' licence, or `unknown`.")
    licence_basis: LicenceBasis = Field(description="How the licence is known.")
    normalisation: Normalisation = Field(description="What the encoder expects of pixels in [0, 1].")
    normalisation_basis: NormalisationBasis = Field(description="How that is known.")
    tensors: Count = Field(description="Tensors of the source that were used.")
    unused: Annotated[int, Field(ge=0)] = Field(description="Tensors of the source that are not needed.")
    new: tuple[str, ...] = Field(description="Weights that the source does not have; they start fresh.")
    labels: Count | None = Field(description="Outputs of the head; null without one.")
    label_names: tuple[str, ...] = Field(description="Names of the labels, where the source has them.")
    notes: tuple[str, ...] = Field(description="What was odd about the source.")
    date: dt.date = Field(description="Day of the import.")
    avemotion: Text = Field(description="Version that imported.")


def card_path(weights: Path) -> Path:
    """Return where the card of a weights file is: beside it, with the same stem."""
    return weights.with_name(weights.name.removesuffix(WEIGHTS_SUFFIX) + CARD_SUFFIX)


def read_weights_card(weights: Path) -> WeightsCard | None:
    """Return the card of a weights file; None where there is none beside it.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where it is damaged.
    """
    path = card_path(weights)
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise invalid(path, "it is too large for a card.")
        return WeightsCard.model_validate_json(path.read_bytes())
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise invalid(path, f"it is no card of weights: {where or 'JSON'}: {fault['msg']}.") from error
    except OSError as error:
        raise invalid(path, f"it cannot be read ({error.strerror}).") from error

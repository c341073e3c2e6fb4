"""Face crops that are framed otherwise than the model was trained with, as by another analyzer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bench.checkpoint.pictures import DIRECTIONS, LOOSE, SHIFT, TIGHT
from shared.catalog import ModelCard
from training.features.sample_features import SampleFeatures

# From a card and a way to get features as a card asks for them, and the sample's number, to other ones.
Reframe = Callable[[ModelCard, Callable[[ModelCard], SampleFeatures], int], SampleFeatures]


def zoomed(card: ModelCard, share: float) -> ModelCard:
    """Return a card whose crops show a square of ``share`` of the usual side."""
    return card.model_copy(update={"face_zoom": card.face_zoom / share})


def shifted(
    card: ModelCard, features: Callable[[ModelCard], SampleFeatures], right: float, down: float
) -> SampleFeatures:
    """Return features whose crops are cut out beside their place, at the usual scale.

    Args:
        card: Of the model.
        features: Makes features as a card asks for them.
        right: How far to the right, by the side of a crop: 0.5 at most.
        down: How far down.
    """
    side = card.input_size
    # Twice the side at the same scale: what lies half a side around the crop is there, too.
    wide = features(card.model_copy(update={"input_size": 2 * side, "face_zoom": card.face_zoom / 2}))
    left, top = round(side * (0.5 + right)), round(side * (0.5 + down))
    seen = wide.seen
    crops = seen.crops[:, top : top + side, left : left + side]
    return replace(wide, seen=replace(seen, crops=crops))


def off_centre(
    card: ModelCard, features: Callable[[ModelCard], SampleFeatures], number: int
) -> SampleFeatures:
    """Return features whose crops are a tenth off, to another side from one number to the next."""
    x, y = DIRECTIONS[number % len(DIRECTIONS)]
    return shifted(card, features, SHIFT * x, SHIFT * y)


REFRAMES: Mapping[str, Reframe] = {
    f"crop tight (x{TIGHT:g})": lambda card, features, _: features(zoomed(card, TIGHT)),
    f"crop loose (x{LOOSE:g})": lambda card, features, _: features(zoomed(card, LOOSE)),
    "crop off-centre (10 %)": off_centre,
}

"""The same recipe with another way of fusing, so that they can be compared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.catalog.config import FaceSeries, FusionName
from shared.errors import AvemotionError, ErrorCode
from training.fitting.materials import Materials
from training.fitting.recipe import Recipe

_LAYOUT = "audio-first"
# What hybrid fusion takes of a face where a recipe does not say: all that either analyzer can see.
_SERIES = FaceSeries(
    columns=(
        *(f"AU{unit:02d}_r" for unit in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)),
        *("pose_Rx", "pose_Ry", "pose_Rz", "gaze_angle_x", "gaze_angle_y"),
    ),
    steps=16,
)


def with_fusion(recipe: Recipe, fusion: FusionName) -> Recipe:
    """Return a recipe whose model joins face and voice in another way, and is the same else.

    Raises:
        AvemotionError: ``INVALID_RECIPE``: a phase needs what this fusion does not have.
    """
    config = recipe.config
    late = fusion == "late"
    model: dict[str, Any] = {
        **recipe.model,
        "fusion": fusion,
        "layout": None if late else config.layout or _LAYOUT,
        "layout_seed": 0 if late else config.layout_seed,
        "join": (config.join or "logits") if late else None,
        "shared_encoder": late and config.shared_encoder,
        "frames": config.num_frame * (1 if late else 2),
        "series": (config.series or _SERIES).model_dump() if fusion == "hybrid" else None,
    }
    changed = recipe.model_copy(update={"model": model})
    try:
        changed.config  # noqa: B018 - it raises
    except ValueError as error:
        raise AvemotionError(
            ErrorCode.INVALID_RECIPE, f"The recipe {recipe.id} cannot be used with {fusion} fusion: {error}"
        ) from error
    return changed


def materials_with(materials: Materials, fusion: FusionName) -> Materials:
    """Return the same data for a model of another fusion; features are shared."""
    recipe = with_fusion(materials.recipe, fusion)
    return replace(materials, recipe=recipe, library=materials.library.for_config(recipe.config))

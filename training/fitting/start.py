"""What a training starts from: random weights, an imported encoder, or a model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from shared.catalog import ModelCard
from shared.catalog.reading import read_card
from shared.errors import AvemotionError, ErrorCode
from worker.model.networks import Network, build_network
from worker.model.presets import PRESETS
from worker.model.sources.card import read_weights_card
from worker.model.weights import load_backbone, load_weights, weights_by_name

# Layers that depend on the labels, in any fusion.
_HEADS = ("emotion", "audio_emotion", "video_emotion")


@dataclass(frozen=True)
class Start:
    """What the networks of a training start from.

    Attributes:
        weights: File of an imported encoder, or a model's folder; None for random weights.
        new_heads: Whether what a model says of emotions is not taken over, for other labels than its own.
    """

    weights: Path | None = None
    new_heads: bool = False

    @property
    def is_model(self) -> bool:
        """Whether it is a model's folder."""
        return self.weights is not None and self.weights.is_dir()

    @cached_property
    def digest(self) -> str | None:
        """What stands for the weights that are taken."""
        if self.weights is None:
            return None
        path = self.weights
        if path.is_dir():
            card = _model(path)
            return f"{card.weights_sha256} {'without heads' if self.new_heads else 'whole'}"
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise AvemotionError(
                ErrorCode.INVALID_WEIGHTS, f"{path} cannot be read: {error.strerror}."
            ) from error

    def source(self) -> Mapping[str, Any] | None:
        """Return what a model's card says of the weights; None where nothing is known of them."""
        if self.weights is None:
            return None
        if self.weights.is_dir():
            model = _model(self.weights)
            return {
                "kind": "avemotion",
                "sha256": model.weights_sha256,
                "licence": model.licence,
                "name": model.id,
            }
        card = read_weights_card(self.weights)
        if card is None:
            return None
        return {
            "kind": card.source.kind,
            "sha256": card.source.sha256,
            "licence": card.licence,
            "name": card.source.name,
        }

    def fill(self, network: Network) -> None:
        """Give a fresh network the weights that it starts with.

        Raises:
            AvemotionError: ``INVALID_WEIGHTS``: they are damaged, or an encoder of another size;
                ``INVALID_RECIPE``: the model is another one than the recipe's.
        """
        if self.weights is None:
            return
        if self.weights.is_dir():
            self._take_over(_model(self.weights), network)
            return
        for encoder in getattr(network, "backbones", None) or [network.backbone]:
            load_backbone(encoder, self.weights)

    def _take_over(self, card: ModelCard, network: Network) -> None:
        labels = network.config.labels
        if card.labels != labels and not self.new_heads:
            raise AvemotionError(
                ErrorCode.INVALID_RECIPE,
                f"{card.id} tells {', '.join(card.labels)}; the recipe's labels are {', '.join(labels)}. "
                "With --new-heads the rest of the model is taken.",
            )
        trained = build_network(card, PRESETS[card.preset])
        if card.weights_path is not None:
            load_weights(trained, card.weights_path)
        given, taken = weights_by_name(trained), weights_by_name(network)
        for name, weight in taken.items():
            if self.new_heads and name.partition("/")[0] in _HEADS:
                continue
            if name not in given or given[name].shape != weight.shape:
                raise AvemotionError(
                    ErrorCode.INVALID_RECIPE,
                    f"The recipe's model is not that of {card.id}: {name} differs. Take its config.json over "
                    "into the recipe, or start from an encoder alone.",
                )
            weight.assign(given[name].numpy())


def _model(folder: Path) -> ModelCard:
    try:
        card = read_card(folder.resolve())
    except ValueError as error:
        raise AvemotionError(ErrorCode.INVALID_WEIGHTS, f"{folder} is no model: {error}") from error
    if not card.trained:
        raise AvemotionError(ErrorCode.INVALID_WEIGHTS, f"{card.id} has not been trained.")
    return card

"""Model cards, read again when they may have changed."""

from __future__ import annotations

import time
from pathlib import Path

from shared.catalog import ModelCard, load_catalog

FRESH_S = 5


class Cards:
    """The catalog as it was at most ``FRESH_S`` ago."""

    def __init__(self, models_dir: Path | None) -> None:
        """Prepare; nothing is read yet."""
        self._models_dir = models_dir
        self._known: tuple[float, dict[str, ModelCard]] = (0.0, {})

    def all(self) -> dict[str, ModelCard]:
        """Return the cards by model id."""
        good_until, cards = self._known
        if time.monotonic() >= good_until:
            cards = load_catalog(self._models_dir)
            self._known = (time.monotonic() + FRESH_S, cards)
        return cards

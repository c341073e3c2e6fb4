"""Models by their cards, known without TensorFlow: the API lists them, the workers load them."""

from shared.catalog.card import ModelCard, WeightsSource
from shared.catalog.config import AudioSettings, ModelConfig, Normalisation
from shared.catalog.reading import Catalog, CatalogProblem, load_catalog, read_card, read_catalog

__all__ = [
    "AudioSettings",
    "Catalog",
    "CatalogProblem",
    "ModelCard",
    "ModelConfig",
    "Normalisation",
    "WeightsSource",
    "load_catalog",
    "read_card",
    "read_catalog",
]

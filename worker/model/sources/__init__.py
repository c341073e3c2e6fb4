"""Other people's weights: PyTorch, safetensors, TensorFlow's SavedModel and Keras 2, read and checked."""

from worker.model.sources.card import WeightsCard, card_path, read_weights_card
from worker.model.sources.importing import import_weights

__all__ = ["WeightsCard", "card_path", "import_weights", "read_weights_card"]

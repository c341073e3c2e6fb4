"""Networks: what a checkpoint computes, one class a way of fusing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from shared.catalog import ModelConfig
from worker.model.networks.early import EarlyNetwork
from worker.model.networks.hybrid import HybridNetwork
from worker.model.networks.late import LateNetwork
from worker.model.networks.network import Network, Options
from worker.model.presets import Preset

NETWORKS: Mapping[str, Callable[[ModelConfig, Options], Network]] = MappingProxyType(
    {"early": EarlyNetwork, "late": LateNetwork, "hybrid": HybridNetwork}
)

__all__ = ["NETWORKS", "Network", "build_network"]


def build_network(
    config: ModelConfig,
    preset: Preset,
    *,
    dtype: str = "float32",
    drop_path: float = 0.0,
    modality_dropout: float = 0.0,
) -> Network:
    """Return the network of a checkpoint, with Keras's random weights.

    Args:
        config: The checkpoint's configuration.
        preset: Size of the encoder; serving takes the one that ``config`` names.
        dtype: Keras's dtype policy of the encoder: ``float32``, ``bfloat16`` as in serving, or
            ``mixed_bfloat16``, which keeps float32 weights for training.
        drop_path: Drop-path of the last block, in training.
        modality_dropout: How often training hides one modality of a window that has both, 0 to 1.
    """
    return NETWORKS[config.fusion](config, Options(preset, dtype, drop_path, modality_dropout))

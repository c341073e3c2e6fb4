"""innat's order: files that tell tensors apart by position alone.

``variables/N`` of a SavedModel and the lists of names in an ``.h5`` have the same order, that of Keras 2:
layers as they are attributes of the model, each with its own variables after those of its layers.
Source: github.com/innat/VideoMAE, and models of the same structure saved by Keras 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from worker.model.block import MLP_RATIO
from worker.model.patches import PATCH_VALUES
from worker.model.presets import Preset
from worker.model.sources.names import INNAT, Named
from worker.model.sources.source import Shape, Stored
from worker.model.weights_fault import invalid

PATCHES = ("patch_embed.proj.weight", "patch_embed.proj.bias")
BLOCK = (
    *("norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.proj.weight", "attn.proj.bias"),
    *("attn.q_bias", "attn.v_bias", "norm2.weight", "norm2.bias"),
    *("mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias"),
)
FC_NORM = ("fc_norm.weight", "fc_norm.bias")
HEAD = ("head.weight", "head.bias")


def place_tensors(path: Path, stored: Mapping[str, Stored], preset: Preset) -> Named:
    """Return tensors by the plain names of what stands at their positions.

    After the encoder come its last norm and a head; or, from pre-training, its last norm and a decoder,
    neither of which is needed.

    Args:
        path: What is imported, for messages.
        stored: The source's tensors in its order.
        preset: Tells how many blocks there are.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where the rest is neither.
    """
    names = list(stored)
    blocks = [INNAT.block.format(index) + name for index in range(preset.depth) for name in BLOCK]
    encoder = [*PATCHES, *blocks]
    rest = names[len(encoder) :]
    found = dict(zip(encoder, names, strict=False))
    if len(rest) in (0, len(FC_NORM), len(FC_NORM + HEAD)):
        return Named(INNAT, {**found, **dict(zip(FC_NORM + HEAD, rest, strict=False))}, ())
    shapes = [stored[name].shape for name in rest]
    if shapes == list(_pretraining(shapes, preset)):
        return Named(INNAT, found, tuple(rest))
    raise invalid(
        path,
        f"{rest[0]} and the {len(rest) - 1} tensors after it are neither the head nor the decoder that "
        f"follow the {preset.depth} blocks of {preset.name}.",
    )


def _pretraining(rest: list[Shape], preset: Preset) -> Iterator[Shape]:
    """Yield the shapes of what pre-training has after the encoder, with as many blocks as ``rest`` has."""
    ends = len(FC_NORM) + len(FC_NORM + HEAD) + len(("encoder_to_decoder", "mask_token"))
    width = rest[-1][-1] if rest[-1] else 0
    hidden = MLP_RATIO * width
    yield from [(preset.width,)] * 2
    for _ in range((len(rest) - ends) // len(BLOCK)):
        yield from [(width,)] * 2
        yield from [(width, 3 * width), (width, width), (width,)]
        yield from [(width,)] * 4
        yield from [(width, hidden), (hidden,), (hidden, width), (width,)]
    yield from [(width,), (width,), (width, PATCH_VALUES), (PATCH_VALUES,)]
    yield from [(preset.width, width), (1, 1, width)]

"""How families of checkpoints name the tensors that fill our weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from worker.model.weights_fault import invalid

FamilyName = Literal["official", "huggingface", "innat"]
# torch keeps kernels as (out, in), Keras as (in, out).
Layout = Literal["torch", "keras"]

PATCH_KERNEL, PATCH_BIAS = (f"backbone/patch_embedding/projection/{name}" for name in ("kernel", "bias"))
QKV_BIAS = "attention/qkv/bias"
FC_NORM = ("backbone/fc_norm/gamma", "backbone/fc_norm/beta")
HEAD = ("head/kernel", "head/bias")


@dataclass(frozen=True)
class Family:
    """How checkpoints of one origin name their tensors.

    Attributes:
        name: Of the family.
        layout: Of its kernels.
        outside: Our weights outside the blocks, and the names of what makes each.
        inside: The same for one block, without the start of the names.
        block: That start, with ``{}`` for the block's number.
        wrappers: What programs put before names.
        encoder: What stands before the encoder's names where there is a decoder too.
        unused: What the encoder with a head does not have: decoder and final norm of pre-training.
        positions: The position table, which is a constant, where it was saved.
    """

    name: FamilyName
    layout: Layout
    outside: Mapping[str, tuple[str, ...]]
    inside: Mapping[str, tuple[str, ...]]
    block: str
    wrappers: tuple[str, ...]
    encoder: str
    unused: re.Pattern[str]
    positions: str

    def parts(self, depth: int) -> dict[str, tuple[str, ...]]:
        """Return our weights of a model with so many blocks, and the names of what makes each."""
        blocks = {
            f"backbone/block_{index}/{weight}": tuple(self.block.format(index) + name for name in names)
            for index in range(depth)
            for weight, names in self.inside.items()
        }
        return {**self.outside, **blocks}


OFFICIAL = Family(
    name="official",
    layout="torch",
    outside={
        PATCH_KERNEL: ("patch_embed.proj.weight",),
        PATCH_BIAS: ("patch_embed.proj.bias",),
        FC_NORM[0]: ("fc_norm.weight",),
        FC_NORM[1]: ("fc_norm.bias",),
        HEAD[0]: ("head.weight",),
        HEAD[1]: ("head.bias",),
    },
    inside={
        "norm1/gamma": ("norm1.weight",),
        "norm1/beta": ("norm1.bias",),
        "attention/qkv/kernel": ("attn.qkv.weight",),
        QKV_BIAS: ("attn.q_bias", "attn.v_bias"),
        "attention/projection/kernel": ("attn.proj.weight",),
        "attention/projection/bias": ("attn.proj.bias",),
        "norm2/gamma": ("norm2.weight",),
        "norm2/beta": ("norm2.bias",),
        "fc1/kernel": ("mlp.fc1.weight",),
        "fc1/bias": ("mlp.fc1.bias",),
        "fc2/kernel": ("mlp.fc2.weight",),
        "fc2/bias": ("mlp.fc2.bias",),
    },
    block="blocks.{}.",
    wrappers=("module.", "model.", "backbone."),
    encoder="encoder.",
    unused=re.compile(r"decoder\..+|encoder_to_decoder\.weight|mask_token|encoder\.norm\.(weight|bias)"),
    positions="pos_embed",
)

# The same names, which here stand for positions: see ``worker.model.sources.positions``.
INNAT = replace(OFFICIAL, name="innat", layout="keras")

HUGGINGFACE = Family(
    name="huggingface",
    layout="torch",
    outside={
        PATCH_KERNEL: ("embeddings.patch_embeddings.projection.weight",),
        PATCH_BIAS: ("embeddings.patch_embeddings.projection.bias",),
        FC_NORM[0]: ("fc_norm.weight",),
        FC_NORM[1]: ("fc_norm.bias",),
        HEAD[0]: ("classifier.weight",),
        HEAD[1]: ("classifier.bias",),
    },
    inside={
        "norm1/gamma": ("layernorm_before.weight",),
        "norm1/beta": ("layernorm_before.bias",),
        "attention/qkv/kernel": tuple(
            f"attention.attention.{name}.weight" for name in ("query", "key", "value")
        ),
        QKV_BIAS: ("attention.attention.q_bias", "attention.attention.v_bias"),
        "attention/projection/kernel": ("attention.output.dense.weight",),
        "attention/projection/bias": ("attention.output.dense.bias",),
        "norm2/gamma": ("layernorm_after.weight",),
        "norm2/beta": ("layernorm_after.bias",),
        "fc1/kernel": ("intermediate.dense.weight",),
        "fc1/bias": ("intermediate.dense.bias",),
        "fc2/kernel": ("output.dense.weight",),
        "fc2/bias": ("output.dense.bias",),
    },
    block="encoder.layer.{}.",
    wrappers=("module.", "model.", "videomae."),
    encoder="",
    # A bias of the keys adds the same to all scores of a query, which softmax does not see.
    unused=re.compile(
        r"decoder\..+|encoder_to_decoder\.weight|mask_token|layernorm\.(weight|bias)|position_embeddings"
        r"|encoder\.layer\.\d+\.attention\.attention\.key\.bias"
    ),
    positions="embeddings.position_embeddings",
)

# Newer transformers name the two biases after their layers.
ALIASES = {".attention.query.bias": ".attention.q_bias", ".attention.value.bias": ".attention.v_bias"}


@dataclass(frozen=True)
class Named:
    """The tensors of a source, by the plain names of their family.

    Attributes:
        family: Whose names they are.
        tensors: Plain names, and the source's own.
        unused: The source's names of what is known and not needed.
    """

    family: Family
    tensors: Mapping[str, str]
    unused: tuple[str, ...]


def name_tensors(path: Path, names: Iterable[str]) -> Named:
    """Return tensors by their plain names.

    Args:
        path: What is imported, for messages.
        names: The source's names.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where the names are of no known family, or two are the same.
    """
    names = list(names)
    family = next((family for family in (HUGGINGFACE, OFFICIAL) if _is_of(family, names)), None)
    if family is None:
        raise invalid(path, f"its tensors ({', '.join(names[:3])}, ...) are not those of a VideoMAE.")
    tensors: dict[str, str] = {}
    unused = []
    for name in names:
        plain = _plain(family, name)
        if family.unused.fullmatch(plain):
            unused.append(name)
            continue
        plain = plain.removeprefix(family.encoder)
        if plain in tensors:
            raise invalid(path, f"{tensors[plain]} and {name} are one and the same tensor.")
        tensors[plain] = name
    return Named(family, tensors, tuple(unused))


def _is_of(family: Family, names: list[str]) -> bool:
    """Tell whether some names are those of a family: of the patches, or inside a block."""
    patches = {family.outside[PATCH_KERNEL][0], family.outside[PATCH_BIAS][0]}
    block = re.compile(re.escape(family.block).replace(r"\{\}", r"\d+"))
    plain = (_plain(family, name).removeprefix(family.encoder) for name in names)
    return any(name in patches or block.match(name) for name in plain)


def _plain(family: Family, name: str) -> str:
    """Return a name without what programs put before it, and in its older form."""
    while name.startswith(family.wrappers):
        name = name.partition(".")[2]
    for newer, older in ALIASES.items():
        name = name.replace(newer, older)
    return name

"""What all networks have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import keras
from keras import ops

from shared.catalog import ModelConfig
from worker.model.modality import MODALITIES, ModalityDropout
from worker.model.presets import Preset

# Shape without the batch, and dtype.
Given = tuple[tuple[int, ...], str]


@dataclass(frozen=True)
class Options:
    """What a network is built with beside its configuration; see ``build_network``."""

    preset: Preset
    dtype: str
    drop_path: float
    modality_dropout: float


@dataclass(frozen=True)
class Part:
    """What of its inputs a network is given where no window of a batch has more.

    What is left out is what would have been hidden: the outputs are the same, for less work.

    Attributes:
        modality: The one that windows have: ``worker.fusion.layouts.AUDIO`` or ``VIDEO``.
        tubelets: How many of its tubelets they have, from the first; None for all.
    """

    modality: int
    tubelets: int | None = None


class Network(keras.Model):  # type: ignore[misc]  # Keras ships no types
    """From what ``worker.fusion`` makes of windows to emotion, valence and arousal.

    Its weights exist from the start. Only the encoder follows ``dtype``: what is joined, pooled and
    read by the heads is float32.

    Attributes:
        config: The checkpoint's configuration.
        signature: The inputs by name; the batch comes first.
    """

    def __init__(self, config: ModelConfig, options: Options, signature: Mapping[str, Given]) -> None:
        """Take the inputs of the fusion at hand; ``present`` belongs to each."""
        super().__init__(name="avemotion", dtype="float32")
        self.config = config
        self.signature: Mapping[str, Given] = {"present": ((MODALITIES,), "uint8"), **signature}
        self.modality_dropout = ModalityDropout(options.modality_dropout, name="modality_dropout")

    def call(
        self,
        inputs: Mapping[str, keras.KerasTensor],
        training: bool | None = None,
        masked: bool = True,
        part: Part | None = None,
    ) -> dict[str, keras.KerasTensor]:
        """Return what the network says of N windows.

        A modality that a window does not have is hidden: nothing in its inputs changes the outputs. A
        window without any gets finite numbers that mean nothing.

        Args:
            inputs: See ``signature``. ``present``, (N, 2), is 1 where a window has the modality, in the
                columns ``worker.fusion.layouts.AUDIO`` and ``VIDEO``.
            training: Whether drop-path and modality dropout are on.
            masked: False is faster, and right only where every window has both modalities; ``present``
                is not looked at then. Training is always masked.
            part: What of them is given, where it is not all: the pictures, and the further inputs, of one
                modality.

        Returns:
            ``logits`` (N, labels), and ``valence`` and ``arousal`` (N,) in [-1, 1], all float32.
        """
        present = None
        if masked or training:
            present = self.modality_dropout(ops.cast(inputs["present"], "bool"), training=training)
        return self.answer(inputs, present, training=training, part=part)

    def answer(
        self,
        inputs: Mapping[str, keras.KerasTensor],
        present: keras.KerasTensor | None,
        training: bool | None,
        part: Part | None,
    ) -> dict[str, keras.KerasTensor]:
        """Return the outputs of ``call``; ``present`` is bool (N, 2), or None where all are present."""
        raise NotImplementedError

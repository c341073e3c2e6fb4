"""A batch of one modality needs the inputs of that modality only."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.model.mini_networks import Inputs, fixed_network, inputs_of, run
from worker.fusion.layouts import AUDIO, VIDEO
from worker.model.networks import Network
from worker.model.networks.network import Part

MODALITY_OF = {"images": AUDIO, "log_mel": AUDIO, "faces": VIDEO, "series": VIDEO}


def part_of(network: Network, inputs: Inputs, modality: int) -> Inputs:
    """Return the inputs of one modality, in a layout that shows audio first."""
    half = network.config.num_frame
    part = {name: array for name, array in inputs.items() if MODALITY_OF.get(name, modality) == modality}
    if "frames" in part:
        part["frames"] = part["frames"][:, :half] if modality == AUDIO else part["frames"][:, half:]
    return part


@pytest.mark.parametrize("variant", ["early audio-first", "hybrid audio-first", "late logits", "late shared"])
@pytest.mark.parametrize("modality", [AUDIO, VIDEO])
def test_a_part_gives_what_all_inputs_give(variant: str, modality: int) -> None:
    """With the other modality left out, the outputs are those with it hidden."""
    network = fixed_network(variant)
    present = np.zeros((4, 2), np.uint8)
    present[:, modality] = 1
    inputs = {**inputs_of(network), "present": present}

    whole = run(network, inputs)
    part = run(network, part_of(network, inputs, modality), part=Part(modality))

    for name, output in whole.items():
        np.testing.assert_allclose(part[name], output, rtol=1e-4, atol=1e-5, err_msg=name)


def test_a_part_may_end_early() -> None:
    """One tubelet of two is another window than both, and is scored."""
    network = fixed_network("early audio-first")
    inputs = {**inputs_of(network), "present": np.tile(np.array([0, 1], np.uint8), (4, 1))}
    faces = part_of(network, inputs, VIDEO)

    whole = run(network, faces, part=Part(VIDEO))
    first = run(network, {**faces, "frames": faces["frames"][:, :2]}, part=Part(VIDEO, tubelets=1))

    assert np.isfinite(first["logits"]).all()
    assert np.abs(first["logits"] - whole["logits"]).max() > 1e-3


@pytest.mark.parametrize("layout", ["stacked", "summed"])
def test_a_layout_that_mixes_modalities_has_no_part(layout: str) -> None:
    """Where each tubelet shows both modalities, a part is refused in so many words."""
    network = fixed_network(f"early {layout}")

    with pytest.raises(ValueError, match=layout):
        run(network, inputs_of(network), part=Part(VIDEO))

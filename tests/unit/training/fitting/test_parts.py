from __future__ import annotations

import numpy as np
import pytest

from tests.unit.model.mini_networks import KINDS, fixed_network, inputs_of, mini_config, run
from training.fitting.parts import part_for, part_of_inputs
from worker.fusion.layouts import AUDIO, VIDEO


@pytest.mark.parametrize("draw", ["faces", "voices"])
@pytest.mark.parametrize("variant", KINDS)
def test_a_part_of_the_inputs_says_what_all_of_them_say(variant: str, draw: str) -> None:
    """A network that is not given what is hidden answers as one that hides it, in every fusion."""
    network = fixed_network(variant)
    inputs = inputs_of(network)
    inputs["present"][:, AUDIO if draw == "faces" else VIDEO] = 0
    part = part_for(network.config, draw, None)
    assert part is not None

    smaller = part_of_inputs(inputs, network.config, part, single_frames=False)

    whole, partly = run(network, inputs), run(network, smaller, part=part)
    assert sum(array.nbytes for array in smaller.values()) < sum(array.nbytes for array in inputs.values())
    for name, output in whole.items():
        np.testing.assert_allclose(partly[name], output, atol=2e-5, err_msg=name)


@pytest.mark.parametrize(("single", "frames"), [(False, [0, 1]), (True, [0])])
def test_of_a_still_one_tubelet_is_enough(single: bool, frames: list[int]) -> None:
    """As many tubelets are given as the phase says; of each one frame, where it stands for two."""
    config = mini_config("late logits")
    part = part_for(config, "faces", 1)
    assert part is not None
    network = fixed_network("late logits")

    smaller = part_of_inputs(inputs_of(network), config, part, single_frames=single)

    np.testing.assert_array_equal(smaller["faces"], inputs_of(network)["faces"][:, frames])


@pytest.mark.parametrize("layout", ["stacked", "summed"])
def test_where_frames_are_shared_nothing_can_be_left_out(layout: str) -> None:
    """A picture that shows face and sound in one is given whole; so is everything to clips and pairs."""
    assert part_for(mini_config(f"early {layout}"), "faces", None) is None
    assert part_for(mini_config("early audio-first"), "clips", None) is None
    assert part_for(mini_config("early audio-first"), "pairs", None) is None

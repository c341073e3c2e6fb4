from __future__ import annotations

import time

import numpy as np
import pytest

from bench.model.comparison import agree, turns
from bench.model.contender import Precision, Setup
from bench.model.machine import Bystanders, facts
from bench.model.memory import measure_peak
from bench.model.process import start
from bench.model.products import Clip
from bench.model.profile import layer_of, summarise
from bench.model.rounds import Samples, interleave
from shared.errors import AvemotionError
from tests.unit.bench.measured import MINI

MIB = 2**20


def test_contenders_take_turns() -> None:
    """Each round has everybody once and begins with another one; all samples are kept."""
    order: list[str] = []

    def turn(name: str) -> Samples:
        order.append(name)
        return {"forward": [float(len(order))]}

    told: list[int] = []
    found = interleave({name: lambda name=name: turn(name) for name in "abc"}, 2, 1e9, told.append)
    assert "".join(order) == "abc" + "bca"
    assert told == [1, 2]
    assert found["a"] == {"forward": [1, 6]}


def test_the_limit_ends_the_rounds_but_never_the_first() -> None:
    """With no time at all everybody has still had one turn."""
    found = interleave({"a": lambda: {"forward": [1.0]}}, 5, 0, lambda _: None)
    assert found == {"a": {"forward": [1]}}


def test_large_batches_are_measured_of_ours_only() -> None:
    """Batch 8 is there for our time a window; the others are not measured in it."""
    found = turns((1, 8))
    assert {kind for kind, _, batch in found if batch == 8} == {"ours"}
    assert len({kind for kind, _, batch in found if batch == 1}) == 4
    assert len(found) == len(set(found)) == 10


@pytest.mark.parametrize(("precision", "limit"), [("float32", 2e-5), ("bfloat16", 5e-2)])
@pytest.mark.parametrize("name", ["tokens", "logits"])
def test_another_model_is_not_timed(precision: Precision, limit: float, name: str) -> None:
    """Outputs that differ by more than rounding, or are no numbers, stop the comparison."""
    theirs = {name: np.array([100.0, -200.0, 3.0], np.float32) for name in ("tokens", "logits")}
    near = {**theirs, name: theirs[name] + np.float32(190 * limit)}
    assert getattr(agree(precision, near, theirs), name) == pytest.approx(0.95 * limit, rel=0.01)
    for far in (theirs[name] + np.float32(210 * limit), np.full(3, np.nan, np.float32)):
        with pytest.raises(AvemotionError, match=f"Our {precision} model is not that of transformers"):
            agree(precision, {**theirs, name: far}, theirs)


def test_a_peak_is_seen_after_it_has_passed() -> None:
    """Memory that was freed before the work ended still counts, and what came before does not."""
    np.ones(128 * MIB, np.uint8).sum()
    peak = measure_peak(lambda: np.ones(64 * MIB, np.uint8).sum())
    if peak is None:
        pytest.skip("this system does not tell the memory of a process")
    assert 60 * MIB < peak["peak_bytes"] - peak["loaded_bytes"] < 100 * MIB
    assert 0 < peak["file_bytes"] < peak["loaded_bytes"]


def test_own_work_is_not_that_of_others() -> None:
    """Processor time of ours is taken off what the machine was busy with."""
    bystanders = Bystanders()
    time.sleep(0.05)
    assert bystanders.share(own_s=1e6) in (0, None)


def test_the_machine_is_named() -> None:
    """A measurement says on what processor, with what flags and versions it was made."""
    found = facts()
    assert found["cpu"]
    assert found["cores"] >= 1
    assert {"python", "avemotion", "keras"} <= found["versions"].keys()


@pytest.mark.parametrize(
    ("path", "layer"),
    [
        ("video_mae/backbone_1/block_3_1/attention_1/qkv_1/MatMul", "attention/qkv"),
        ("video_mae_1_1/backbone_1/block_11_1/fc1_1/Erf", "fc1"),
        ("video_mae/backbone/patch_embedding/projection/BiasAdd", "patch_embedding/projection"),
        ("video_mae/backbone/block_0/add_1", "block"),
        ("video_mae_1/backbone_1/block_11_1/add_1", "block"),
        ("video_mae/backbone/fc_norm/add", "fc_norm"),
        ("Cast", "rest"),
    ],
)
def test_an_operation_belongs_to_its_layer(path: str, layer: str) -> None:
    """The numbers of blocks and of traces are dropped, so that all blocks are one row."""
    assert layer_of(path) == layer


def test_a_profile_sums_operations() -> None:
    """Rows are of one run, the longest first; what is no operation is left out."""
    events = [
        ("m/backbone/block_0/fc1/MatMul:_MklMatMul", 2.0),
        ("m/backbone/block_1/fc1/MatMul:_MklMatMul", 4.0),
        ("m/backbone/block_1/add:AddV2", 8.0),
        ("ExecutorState::Process", 99.0),
        ("StatefulPartitionedCall:StatefulPartitionedCall", 99.0),
    ]
    assert summarise(events, runs=2) == [
        {"where": "block", "operation": "AddV2", "count": 0, "seconds": 4.0},
        {"where": "fc1", "operation": "MatMul", "count": 1, "seconds": 3.0},
    ]


def test_a_process_that_ends_says_why() -> None:
    """The last lines of a process that broke are in the error that its parent raises."""
    with start(Setup(MINI, Clip(4, 32), 1)) as process, pytest.raises(AvemotionError) as raised:
        process.ask("prepare", "nobody", "float32", 1)
    assert "The process of nobody ended with code 1" in raised.value.message
    assert "nobody is no contender" in raised.value.message

from __future__ import annotations

import pytest

from bench.model.report import closing_line
from bench.model.results import Case, PresetResult, Spread
from bench.model.targets import judge, judge_on_card, window_ratio
from tests.unit.bench.measured import case, memory, result


def met(found: PresetResult) -> dict[str, bool]:
    return {verdict.name: verdict.met for verdict in judge(found)}


def test_a_spread_keeps_every_sample() -> None:
    """The median and the quartiles stand beside the samples that they come from."""
    found = Spread.of([5, 1, 2, 4, 3])
    assert (found.low_s, found.median_s, found.high_s) == (2, 3, 4)
    assert found.samples_s == (5, 1, 2, 4, 3)
    assert Spread.of([7.0]) == Spread(7, 7, 7, (7,))


def test_the_ceiling_takes_the_fastest_way_of_each_product() -> None:
    """Each product counts as often as a forward has it, in the library and way that did best."""
    found = case("float32", 1, ours_s=4, theirs_s=8, alone_s=2)
    assert [product.fastest for product in found.products] == ["torch, whole", "tensorflow, whole"]
    assert found.ceiling_s == 2 * 0.5 + 1
    assert found.ceiling_flops_per_s == 3e9 / 2
    assert (found.ratio, found.share) == (0.5, 0.5)


def test_what_was_not_measured_has_no_number() -> None:
    """A case of ours alone has neither ratio nor share, and its JSON says so."""
    document = case("float32", 8, ours_s=4).as_json()
    assert {document[name] for name in ("ratio", "share", "ceiling_s", "transformers")} == {None}


@pytest.mark.parametrize(
    ("precision", "name", "ratio", "share"),
    [("float32", "fp32", 0.60, 0.80), ("bfloat16", "bf16", 0.70, 0.68)],
)
def test_base_is_held_to_speed(precision: str, name: str, ratio: float, share: float) -> None:
    """Base misses a target by a hair's breadth on the wrong side of it, and meets it at the number."""
    just = result("base", case(precision, 1, ratio, 1.0, ratio * share))
    assert met(just) == {
        f"{name} of transformers, batch 1": True,
        f"{name} of the GEMM ceiling, batch 1": True,
    }
    slow = result("base", case(precision, 4, ratio * 1.01, 1.0, ratio * share))
    assert met(slow) == {
        f"{name} of transformers, batch 4": False,
        f"{name} of the GEMM ceiling, batch 4": False,
    }


def test_other_presets_have_no_target_for_speed() -> None:
    """Small is measured, but held to memory and batches only."""
    assert met(result("small", case("float32", 1, 5, 1, 0.1))) == {}


@pytest.mark.parametrize(("large_s", "fine"), [(8.4, True), (8.5, False)])
def test_a_large_batch_costs_little_more_a_window(large_s: float, fine: bool) -> None:
    """A window in a batch of eight may take 1.05 of one alone."""
    found = result("tiny", case("float32", 1, 1.0), case("float32", 8, large_s))
    assert met(found) == {"fp32 a window, batch 8/1": fine}
    assert window_ratio(found, "bfloat16") is None


def test_memory_is_compared_by_whole_processes() -> None:
    """The peak of the process counts; what it took beyond code or the loaded model is told beside it."""
    assert met(result("base", memories=(memory("bfloat16", 400, 400),))) == {
        "bf16 peak memory, batch 4": True
    }
    more = memory("bfloat16", 401, 400)
    assert met(result("base", memories=(more,))) == {"bf16 peak memory, batch 4": False}
    document = more.as_json()
    assert document["ratio_private"] == 351 / 350
    assert document["ratio_above_loaded"] == 301 / 300


def test_a_preset_ends_in_one_line() -> None:
    """The line has our time, both ratios, and what was missed."""
    cases: list[Case] = [
        case("float32", 1, 0.94, 1.88, 0.752),
        case("float32", 8, 7.7),
        case("bfloat16", 1, 0.05, 0.0625, 0.04),
        case("bfloat16", 8, 0.4),
    ]
    assert closing_line(result("base", *cases, memories=(memory("float32", 350, 700),))) == (
        "base  fp32 0.940 s, 0.50 of transformers, 80 % of the GEMM ceiling; "
        "bf16 0.0500 s, 0.80 of transformers, 80 % of the GEMM ceiling; "
        "batch 8/1 1.02; peak memory 0.50 of transformers'; "
        "1 of 7 targets missed (bf16 of transformers, batch 1)"
    )


def test_a_line_says_when_all_is_well() -> None:
    """A preset that meets what it is held to says so."""
    line = closing_line(result("tiny", case("float32", 4, 0.4, 0.8), memories=(memory("float32", 1, 2),)))
    assert line.startswith("tiny  fp32 0.100 s a clip in batches of 4, 0.50 of transformers; ")
    assert line.endswith("; all 1 targets met")


@pytest.mark.parametrize(("ours_s", "outcomes"), [(1.0, [True, True]), (1.01, [False, False])])
def test_a_card_is_held_to_its_own_targets(ours_s: float, outcomes: list[bool]) -> None:
    """On a card at least the speed of transformers, and 45 % of its product rate."""
    verdicts = judge_on_card(case("bfloat16", 8, ours_s, 1.0, 0.45))
    assert [verdict.met for verdict in verdicts] == outcomes

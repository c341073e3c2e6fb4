"""What stands beside weights of Hugging Face, and transformers' own model against ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import VideoMAEConfig, VideoMAEForPreTraining, VideoMAEForVideoClassification

from tests.unit.model.minis import MINI
from tests.unit.model.source_files import (
    Tensors,
    huggingface,
    official,
    pretraining,
    write_huggingface,
    write_json,
    write_safetensors,
)
from worker.model.classifier import VideoMAE
from worker.model.presets import PRESETS, Preset
from worker.model.sources import WeightsCard, import_weights
from worker.model.sources.huggingface import read_facts
from worker.model.sources.licences import licence_of
from worker.model.sources.plan import Plan, make_plan
from worker.model.sources.source import Facts, Source, Stored
from worker.model.weights import load_weights, new_videomae

TENSORS = huggingface(official(MINI))
CLIPS = np.random.default_rng(3).normal(size=(2, 4, 32, 32, 3)).astype(np.float32)
# Channels come after frames.
THEIR_CLIPS = torch.from_numpy(CLIPS.transpose(0, 1, 4, 2, 3))


def imported(source: Path, folder: Path, preset: Preset = MINI) -> tuple[VideoMAE, WeightsCard]:
    card = import_weights(source, preset, folder / "out.weights.h5")
    model = new_videomae(preset, labels=card.labels)
    load_weights(model, folder / "out.weights.h5")
    return model, card


def their_config(**more: Any) -> VideoMAEConfig:
    return VideoMAEConfig(
        image_size=32,
        num_frames=4,
        hidden_size=MINI.width,
        num_hidden_layers=MINI.depth,
        num_attention_heads=MINI.heads,
        intermediate_size=4 * MINI.width,
        **more,
    )


def randomised(model: torch.nn.Module) -> torch.nn.Module:
    """Give each weight a value, biases of queries and values too: a fresh model has zeros there."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            torch.nn.init.normal_(parameter, 1.0 if "norm" in name and "weight" in name else 0.0, 0.1)
    return model.eval()


@pytest.mark.parametrize("shards", [1, 4])
def test_a_classifier_of_transformers_is_ours(tmp_path: Path, shards: int) -> None:
    """A folder that transformers wrote gives its tokens, logits and labels."""
    names = ["angry", "sad", "glad"]
    config = their_config(num_labels=3, id2label=dict(enumerate(names)), label2id=None)
    theirs = randomised(VideoMAEForVideoClassification(config))
    size = sum(parameter.nbytes for parameter in theirs.parameters())
    theirs.save_pretrained(tmp_path / "a", max_shard_size=size if shards == 1 else size // shards)
    with torch.no_grad():
        logits = theirs(THEIR_CLIPS).logits.numpy()
        tokens = theirs.videomae(THEIR_CLIPS).last_hidden_state.numpy()

    model, card = imported(tmp_path / "a", tmp_path)

    outputs = model(CLIPS)
    np.testing.assert_allclose(outputs["tokens"], tokens, atol=2e-5, rtol=0)
    np.testing.assert_allclose(outputs["logits"], logits, atol=2e-5, rtol=0)
    assert (card.label_names, card.labels, card.notes) == (tuple(names), 3, ())
    assert (len(list((tmp_path / "a").glob("*.safetensors"))) > 1) == (shards > 1)


def test_a_pre_trained_model_of_transformers_is_ours(tmp_path: Path) -> None:
    """Pre-training's encoder gives the tokens that it has before its last norm."""
    config = their_config(
        use_mean_pooling=False,
        decoder_num_hidden_layers=1,
        decoder_hidden_size=12,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=48,
    )
    theirs = randomised(VideoMAEForPreTraining(config))
    theirs.save_pretrained(tmp_path / "a")
    norm = theirs.videomae.layernorm
    theirs.videomae.layernorm = torch.nn.Identity()
    with torch.no_grad():
        tokens = theirs.videomae(THEIR_CLIPS).last_hidden_state.numpy()

    model, card = imported(tmp_path / "a", tmp_path)

    np.testing.assert_allclose(model(CLIPS)["tokens"], tokens, atol=2e-5, rtol=0)
    assert card.labels is None
    assert len(norm.weight) == MINI.width


def test_a_file_is_read_with_what_lies_beside_it(tmp_path: Path) -> None:
    """A file has its folder's labels and normalisation; another model's configuration is passed over."""
    folder = write_huggingface(
        tmp_path / "a", TENSORS, id2label={str(index): f"n{index}" for index in range(5)}
    )
    write_json(folder / "preprocessor_config.json", {"image_mean": [0.5] * 3, "image_std": [0.25] * 3})

    _, card = imported(folder / "model.safetensors", tmp_path)

    assert card.label_names == ("n0", "n1", "n2", "n3", "n4")
    assert card.normalisation.std == (0.25, 0.25, 0.25)
    assert card.normalisation_basis == "preprocessor_config.json"

    write_json(folder / "config.json", {"model_type": "vit", "hidden_size": 7})
    _, card = imported(folder / "model.safetensors", tmp_path)
    assert card.label_names == ()
    assert card.normalisation.mean == (0.485, 0.456, 0.406)
    assert card.normalisation_basis == "official"


@pytest.mark.parametrize(
    ("steps", "mean", "std"),
    [
        ({}, 0.5, 0.25),
        ({"rescale_factor": 1 / 255}, 0.5, 0.25),
        ({"rescale_factor": 2 / 255}, 0.25, 0.125),
        ({"do_rescale": False}, 0.5 / 255, 0.25 / 255),
        ({"do_normalize": False}, 0.0, 1.0),
    ],
)
def test_normalisation_is_told_for_pixels_up_to_one(
    tmp_path: Path, steps: dict[str, object], mean: float, std: float
) -> None:
    """read_facts says what transformers' steps come to: (255 x factor - mean) / std."""
    write_json(
        tmp_path / "preprocessor_config.json", {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, **steps}
    )

    facts, _ = read_facts(tmp_path, tmp_path)

    assert facts.normalisation is not None
    np.testing.assert_allclose(facts.normalisation.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(facts.normalisation.std, std, rtol=1e-12)


@pytest.mark.parametrize(
    ("readme", "licence"),
    [
        ("---\nlicense: cc-by-nc-4.0\ntags:\n- x\n---\n# Model\n", "CC-BY-NC-4.0"),
        ("---\ntags:\n- x\nlicense: openrail\n---\n", "openrail"),
        ("---\ntags:\n- x\n---\nlicense: mit\n", None),
        ("license: mit\n", None),
    ],
)
def test_the_page_of_a_model_tells_its_licence(tmp_path: Path, readme: str, licence: str | None) -> None:
    """read_facts takes the licence from the header of README.md, and from nowhere else in it."""
    (tmp_path / "README.md").write_text(readme)

    assert read_facts(tmp_path, tmp_path)[0].licence == licence


def test_placeholders_are_no_names(tmp_path: Path) -> None:
    """LABEL_0 and so on, which transformers make up, are not kept as names."""
    write_json(tmp_path / "config.json", {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}})

    facts, _ = read_facts(tmp_path, tmp_path)

    assert (facts.labels, facts.label_names) == (2, ())


def plan_of(preset: Preset, tensors: Tensors, heads: int | None = None) -> Plan:
    stored = {name: Stored(array.shape, array.dtype.name) for name, array in tensors.items()}
    return make_plan(
        Source(Path("a"), "safetensors", (), stored, tensors.__getitem__, Facts(heads=heads)), preset
    )


def test_small_has_six_heads_whatever_its_conversion_says() -> None:
    """The 16 heads that a widespread conversion of small states are a note, and its 6 none."""
    small = huggingface(official(PRESETS["small"]))

    (note,) = plan_of(PRESETS["small"], small, heads=16).notes

    assert note == (
        "config.json says 16 attention heads, a known mistake; small was trained with 6, which are used."
    )
    assert plan_of(PRESETS["small"], small, heads=6).notes == ()
    assert plan_of(PRESETS["small"], small).notes == ()


@pytest.mark.parametrize(
    ("given", "stated", "preset", "labels", "expected"),
    [
        ("MIT", "CC0-1.0", "small", 400, ("MIT", "given")),
        (None, "CC0-1.0", "small", 400, ("CC0-1.0", "model page")),
        (None, None, "small", 400, ("CC-BY-NC-4.0", "published form")),
        (None, None, "small", 7, ("unknown", "unknown")),
        (None, None, "mini", 400, ("unknown", "unknown")),
    ],
)
def test_what_looks_published_is_taken_for_it(
    given: str | None, stated: str | None, preset: str, labels: int, expected: tuple[str, str]
) -> None:
    """licence_of believes who imports, then the source, then its form, and else says that it is not known."""
    size = Preset(preset, MINI.width, MINI.depth, MINI.heads)

    plan = plan_of(size, huggingface(official(size, labels)))

    assert licence_of(given, stated, plan, size) == expected


def test_pre_trained_encoders_are_taken_for_published() -> None:
    """licence_of counts a decoder as the form of a published checkpoint, and a bare encoder too."""
    size = Preset("base", MINI.width, MINI.depth, MINI.heads)

    plan = plan_of(size, huggingface(pretraining(size)))

    assert licence_of(None, None, plan, size) == ("CC-BY-NC-4.0", "published form")


def test_a_page_that_is_no_text_tells_nothing(tmp_path: Path) -> None:
    """Odd files beside weights do no harm."""
    (tmp_path / "README.md").write_bytes(b"---\nlicense: \xff\xfe\n---\n")
    write_safetensors(tmp_path / "model.safetensors", TENSORS)

    assert read_facts(tmp_path, tmp_path)[0].licence is None

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py  # type: ignore[import-untyped]  # ships no types
import keras
import numpy as np
import pytest

from shared.catalog import load_catalog
from shared.errors import AvemotionError, ErrorCode
from tests.unit.model.mini_networks import KINDS, mini_config, mini_network
from tests.unit.model.minis import MINI, mini_card, randomise
from worker.model.backbone import Backbone
from worker.model.networks import build_network
from worker.model.presets import PRESETS, Preset
from worker.model.weights import (
    initialise,
    load_backbone,
    load_videomae,
    load_weights,
    named_weights,
    new_videomae,
    weights_sha256,
)

LABELS = 5


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an imported model, to be copied before it is changed."""
    model = new_videomae(MINI, labels=LABELS)
    randomise(model)
    path = tmp_path_factory.mktemp("saved") / "model.weights.h5"
    model.save_weights(path)
    return path


def test_names_say_where_a_weight_belongs() -> None:
    """named_weights has stable names without counters, whatever was built before."""
    new_videomae(MINI, labels=None)

    names = [name for name, _ in named_weights(new_videomae(MINI, labels=LABELS))]

    block = [
        *("norm1/gamma", "norm1/beta", "attention/qkv/kernel", "attention/qkv/bias"),
        *("attention/projection/kernel", "attention/projection/bias", "norm2/gamma", "norm2/beta"),
        *("fc1/kernel", "fc1/bias", "fc2/kernel", "fc2/bias"),
    ]
    assert names == [
        "backbone/patch_embedding/projection/kernel",
        "backbone/patch_embedding/projection/bias",
        *(f"backbone/block_{index}/{name}" for index in range(2) for name in block),
        *("backbone/fc_norm/gamma", "backbone/fc_norm/beta"),
        *("head/kernel", "head/bias"),
    ]


def test_a_model_of_any_name_has_the_same_hash() -> None:
    """The name that Keras numbers is no part of a weight's name."""
    hashes = set()
    for name in ("videomae", "videomae_1"):
        network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="only")], name=name)
        initialise(network)
        hashes.add(weights_sha256(network))

    assert len(hashes) == 1


def test_a_seed_gives_the_same_weights_everywhere() -> None:
    """The untrained model's weights have the hash its card states: no process or machine differs."""
    card = load_catalog(None)["videomae-tiny-untrained"]
    for dtype in ("float32", "mixed_bfloat16"):
        network = build_network(card, PRESETS[card.preset], dtype=dtype)

        initialise(network)

        assert weights_sha256(network) == card.weights_sha256


def test_another_seed_gives_other_weights() -> None:
    """Weights from another seed are others."""
    hashes = set()
    for seed in (1, 2):
        network = build_network(mini_card(), MINI)
        initialise(network, seed)
        hashes.add(weights_sha256(network))

    assert len(hashes) == 2


def test_kernels_are_xavier_uniform() -> None:
    """Kernels are drawn evenly within sqrt(6 / (rows + columns)); no two are alike."""
    network = build_network(mini_card(), MINI)

    initialise(network)

    kernels = {name: values for name, values in named_weights(network) if name.endswith("kernel")}
    patches = kernels["backbone/patch_embedding/projection/kernel"]
    limit = np.sqrt(6 / (1536 + 24))
    assert 0.999 * limit < np.abs(patches).max() <= limit
    np.testing.assert_allclose([patches.mean(), patches.std()], [0, limit / np.sqrt(3)], atol=0.01 * limit)
    first, second = (kernels[f"backbone/block_{index}/fc1/kernel"] for index in range(2))
    assert np.abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1


def test_hash_sees_each_value() -> None:
    """weights_sha256 changes with the last bit of one weight."""
    network = build_network(mini_card(), MINI)
    randomise(network)
    before = weights_sha256(network)
    bias = network.weights[-1]

    bias.assign(np.nextafter(bias.numpy(), np.float32(2)))

    assert weights_sha256(network) != before


@pytest.mark.parametrize("variant", KINDS)
def test_what_was_saved_is_loaded(tmp_path: Path, variant: str) -> None:
    """load_weights fills each network from the file of one in training, which has drop-path and dropout."""
    trained = mini_network(variant, drop_path=0.2, modality_dropout=0.1)
    trained.save_weights(tmp_path / "model.weights.h5")
    served = build_network(mini_config(variant), MINI)

    load_weights(served, tmp_path / "model.weights.h5")

    assert weights_sha256(served) == weights_sha256(trained)


def test_an_optimizer_in_the_file_is_passed_over(tmp_path: Path) -> None:
    """A model that was compiled saves its optimizer too; only the weights are looked at."""
    trained = new_videomae(MINI, labels=LABELS)
    trained.compile("adam", {"logits": "mse"})
    trained.optimizer.build(trained.trainable_variables)
    trained.save_weights(tmp_path / "model.weights.h5")
    served = new_videomae(MINI, labels=LABELS)

    load_weights(served, tmp_path / "model.weights.h5")

    assert weights_sha256(served) == weights_sha256(trained)


def test_an_encoder_is_loaded_from_an_imported_model(saved: Path) -> None:
    """load_backbone fills an encoder of any name, in any network; the head is passed over."""
    model = new_videomae(MINI, labels=LABELS)
    load_weights(model, saved)
    alone = Backbone(MINI, name="encoder")
    alone.build((None, 2, 16, 16, 3))
    branch = build_network(mini_config("late logits"), MINI).backbones[1]

    for backbone in (alone, branch):
        load_backbone(backbone, saved)

        for weight, right in zip(backbone.weights, model.backbone.weights, strict=True):
            np.testing.assert_array_equal(weight, right)


def test_an_encoder_takes_no_other_network(tmp_path: Path) -> None:
    """load_backbone refuses the file of a network that has more than an encoder and a head."""
    mini_network("early audio-first").save_weights(tmp_path / "model.weights.h5")
    backbone = Backbone(MINI, name="backbone")
    backbone.build((None, 2, 16, 16, 3))

    with pytest.raises(AvemotionError, match=r"has no place in the model"):
        load_backbone(backbone, tmp_path / "model.weights.h5")


def test_a_file_tells_its_size(tmp_path: Path) -> None:
    """load_videomae tells preset and labels from the shapes in the file."""
    path = tmp_path / "model.weights.h5"
    model = new_videomae(PRESETS["tiny"], labels=LABELS)
    model.save_weights(path)

    loaded = load_videomae(path)

    assert loaded.backbone.preset == PRESETS["tiny"]
    assert loaded.head.units == LABELS
    assert weights_sha256(loaded) == weights_sha256(model)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]), "holds no VideoMAE encoder"),
        (lambda: new_videomae(MINI, labels=None), "2 blocks of width 24, has the size of no preset"),
    ],
)
def test_a_size_that_is_not_known_is_told(tmp_path: Path, make: Callable[[], keras.Model], told: str) -> None:
    """load_videomae says what it found where that is none of the presets."""
    make().save_weights(tmp_path / "model.weights.h5")

    with pytest.raises(AvemotionError, match=rf"model\.weights\.h5: .*{told}"):
        load_videomae(tmp_path / "model.weights.h5")


def test_a_head_without_end_is_not_made(tmp_path: Path) -> None:
    """load_videomae makes no head of a size that only the file's header has."""
    path = tmp_path / "model.weights.h5"
    new_videomae(PRESETS["tiny"], labels=LABELS).save_weights(path)
    with h5py.File(path, "r+") as file:
        del file["head/vars/1"]
        file["head/vars"].create_dataset("1", (10**12,), "<f4", chunks=(10**6,))

    with pytest.raises(AvemotionError, match=r"head/bias has the shape \(1000000000000,\)"):
        load_videomae(path)


FC1 = "backbone/blocks/block_1/fc1/vars"


def put(path: Path, name: str, value: object) -> None:
    with h5py.File(path, "r+") as file:
        if name in file:
            del file[name]
        if value is not None:
            file[name] = value


def outside(path: Path) -> None:
    (path.parent / "numbers").write_bytes(bytes(96 * 4))
    put(path, f"{FC1}/1", None)
    with h5py.File(path, "r+") as file:
        file[FC1].create_dataset("1", (96,), "<f4", external=[(str(path.parent / "numbers"), 0, 96 * 4)])


def rename(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["backbone/blocks/block_1/fc2/vars"].attrs["name"] = "fc1"


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:5000]), "cut off"),
    "noise": (lambda path: path.write_bytes(b"no weights at all"), "cut off or damaged"),
    "missing file": (lambda path: path.unlink(), "cannot be opened"),
    "no weights": (lambda path: h5py.File(path, "w").close(), "holds no weights"),
    "missing": (lambda path: put(path, f"{FC1}/1", None), "backbone/block_1/fc1/bias is missing"),
    "extra": (lambda path: put(path, f"{FC1}/2", np.zeros(3)), "block_1/fc1/vars/2 has no place"),
    "extra layer": (lambda path: put(path, "more/vars/0", np.zeros(3)), "more/vars/0 has no place"),
    "loose": (lambda path: put(path, "more", np.zeros(3)), "more is no tensor of a layer"),
    "odd name": (lambda path: put(path, f"{FC1}/x", np.zeros(3)), "fc1/vars/x is no tensor of a layer"),
    "shape": (
        lambda path: put(path, f"{FC1}/0", np.zeros((96, 24))),
        r"block_1/fc1/kernel has the shape \(96, 24\), not \(24, 96\)",
    ),
    "integers": (lambda path: put(path, f"{FC1}/1", np.zeros(96, int)), "block_1/fc1/bias holds int64"),
    "NaN": (
        lambda path: put(path, f"{FC1}/1", np.full(96, np.nan)),
        "block_1/fc1/bias holds numbers that are",
    ),
    "infinity": (lambda path: put(path, f"{FC1}/1", np.full(96, np.inf)), "block_1/fc1/bias holds numbers"),
    "link out": (
        lambda path: put(path, f"{FC1}/1", h5py.ExternalLink("/etc/passwd", "/")),
        "is a link to elsewhere",
    ),
    "link within": (lambda path: put(path, f"{FC1}/1", h5py.SoftLink("/head/vars/1")), "is a link"),
    "numbers elsewhere": (outside, "lie in another file"),
    "twice": (rename, "stands in it twice"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_bad_files_are_typed_errors(tmp_path: Path, saved: Path, damage: str) -> None:
    """A file that is damaged or another model's is a typed error with the file's and the tensor's name."""
    spoil, told = DAMAGES[damage]
    path = tmp_path / "model.weights.h5"
    path.write_bytes(saved.read_bytes())
    spoil(path)

    with pytest.raises(AvemotionError, match=rf"model\.weights\.h5: .*{told}") as caught:
        load_weights(new_videomae(MINI, labels=LABELS), path)

    assert caught.value.code is ErrorCode.INVALID_WEIGHTS


@pytest.mark.parametrize(
    "preset", [Preset("wider", 48, 2, 2), Preset("deeper", 24, 3, 2), Preset("less", 24, 1, 2)]
)
def test_another_size_is_a_typed_error(saved: Path, preset: Preset) -> None:
    """A file of another width or depth fills no model in part."""
    model = new_videomae(preset, labels=LABELS)
    before = weights_sha256(model)

    with pytest.raises(AvemotionError, match=r"has the shape|is missing, and 11 more|and 11 more"):
        load_weights(model, saved)

    assert weights_sha256(model) == before


def test_a_file_that_holds_itself_ends(saved: Path, tmp_path: Path) -> None:
    """A group that is its own member is looked at once."""
    path = tmp_path / "model.weights.h5"
    path.write_bytes(saved.read_bytes())
    with h5py.File(path, "r+") as file:
        file["backbone/loop"] = file["backbone"]

    load_weights(new_videomae(MINI, labels=LABELS), path)

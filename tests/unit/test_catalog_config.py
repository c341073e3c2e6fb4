from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from shared.catalog import ModelConfig, load_catalog
from shared.catalog.config import SHARED_FRAMES, FusionName, LayoutName, PresetName
from shared.catalog.reading import BUILTIN_DIR
from shared.catalog.series import SHAPE_COLUMNS, UNIT_OF
from shared.settings import Settings
from worker.audio.settings import AUDIO
from worker.faces.table import INTENSITY_UNITS, LANDMARK_COLUMNS, VALUE_COLUMNS
from worker.fusion import FUSIONS
from worker.model.presets import PRESETS

LATE = {"fusion": "late", "layout": None, "join": "logits", "frames": 8}
SERIES = {"columns": ["AU12_r", "pose_Rx"], "steps": 4}
HYBRID = {"fusion": "hybrid", "series": SERIES}


def config(**changes: Any) -> ModelConfig:
    """Return the built-in configuration with changes; those of ``audio`` are made in it."""
    content = json.loads((BUILTIN_DIR / "videomae-tiny-untrained" / "config.json").read_bytes())
    audio = {**content["audio"], **changes.pop("audio", {})}
    return ModelConfig.model_validate({**content, **changes, "audio": audio})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        *({"layout": name} for name in get_args(LayoutName) if name not in SHARED_FRAMES),
        *({"layout": name, "frames": 8} for name in SHARED_FRAMES),
        {"layout": "random", "layout_seed": 7},
        LATE,
        {**LATE, "join": "features", "shared_encoder": True},
        HYBRID,
        {**HYBRID, "layout": "summed", "frames": 8},
        {"layout": "stacked", "frames": 8, "input_size": 160},
    ],
)
def test_what_goes_together_is_taken(changes: dict[str, Any]) -> None:
    """Each fusion with its own keys, and each layout with its number of frames, is a configuration."""
    assert config(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "giant"}, "Input should be 'nano', 'tiny', 'small', 'base', 'large' or 'huge'"),
        ({"fusion": "telepathy"}, "Input should be 'early', 'late' or 'hybrid'"),
        ({"layout": "spiral"}, "Input should be 'audio-first'"),
        ({"labels": ["anger"]}, "Tuple should have at least 2 items"),
        ({"labels": ["anger", "anger"]}, "a label stands twice"),
        ({"labels": ["anger", "=cmd()"]}, "String should match pattern"),
        ({"frames": 15}, "Input should be a multiple of 2"),
        ({"frames": 0}, "Input should be greater than or equal to 2"),
        ({"input_size": 100}, "Input should be a multiple of 16"),
        ({"window_s": 0}, "Input should be greater than 0"),
        ({"window_s": float("inf")}, "Input should be a finite number"),
        ({"normalisation": {"mean": [0, 0, 0], "std": [1, 1, 0]}}, "Input should be greater than 0"),
        ({"normalisation": {"mean": [0, 0], "std": [1, 1, 1]}}, "Field required"),
        ({"layout": None}, "early and hybrid fusion need a layout"),
        ({**LATE, "layout": "stacked"}, "early and hybrid fusion need a layout, and late fusion has none"),
        ({**LATE, "join": None}, "late fusion needs a join"),
        ({"join": "logits"}, "late fusion needs a join, and no other fusion has one"),
        ({"shared_encoder": True}, "only the two branches of late fusion can share an encoder"),
        ({"fusion": "hybrid"}, "hybrid fusion needs a series"),
        ({"series": SERIES}, "hybrid fusion needs a series, and no other fusion has one"),
        ({"frames": 8}, "frames must be 2 times num_frame with this fusion and layout, and is 8, not 16"),
        ({"layout": "summed"}, "frames must be 1 times num_frame with this fusion and layout"),
        ({**LATE, "frames": 16}, "frames must be 1 times num_frame with this fusion and layout"),
        ({"num_frame": 7, "frames": 14}, "num_frame must be even"),
        ({"layout": "stacked", "frames": 8, "input_size": 208}, "needs an input_size that 32 divides"),
        ({"layout_seed": 1}, "layout_seed belongs to the layout random"),
        ({"layout": "random", "layout_seed": -1}, "Input should be greater than or equal to 0"),
        ({"fusion": "hybrid", "series": {"columns": [], "steps": 4}}, "Tuple should have at least 1 item"),
        ({"fusion": "hybrid", "series": {"columns": ["AU12_r"], "steps": 0}}, "greater than or equal to 1"),
        (
            {"fusion": "hybrid", "series": {"columns": ["AU12_r", "AU12_r"], "steps": 4}},
            "a column stands twice",
        ),
        (
            {"fusion": "hybrid", "series": {"columns": ["x_0", "AU12_r", "AU99_r"], "steps": 4}},
            "no action unit, pose or gaze is named x_0, AU99_r",
        ),
        ({**HYBRID, "audio": {"mel_bands": 40}}, "hybrid fusion needs mel_bands that 16 divides"),
        ({"audio": {"floor_db": 0}}, "Input should be less than 0"),
        ({"audio": {"lowest_hz": 9000}}, "lowest_hz 9000 is not below highest_hz 8000"),
    ],
)
def test_what_does_not_go_together_is_named(changes: dict[str, Any], message: str) -> None:
    """A configuration that no network could be built from is refused, with what is wrong with it."""
    with pytest.raises(ValidationError) as caught:
        config(**changes)

    assert message in str(caught.value)


@pytest.mark.parametrize(("window_s", "steps"), [(2.0, 200), (0.01, 8), (1.0, 96), (1.02, 104), (30.0, 3000)])
def test_spectrogram_divides_into_patches(window_s: float, steps: int) -> None:
    """A window's spectrogram has as many columns as hops, in whole patches, at least one."""
    assert config(window_s=window_s).mel_steps == steps


def test_names_agree_across_packages() -> None:
    """Presets and fusions of checkpoints are those that are built here."""
    assert set(get_args(PresetName)) == set(PRESETS)
    assert set(get_args(FusionName)) == set(FUSIONS)


def test_series_columns_are_those_of_the_face_table() -> None:
    """A series may take every column of the face table, and the shape that is made of its landmarks."""
    assert set(UNIT_OF) == {*VALUE_COLUMNS, *SHAPE_COLUMNS} - set(LANDMARK_COLUMNS)


def test_builtin_models_fit_what_is_made_here() -> None:
    """There is a model of each fusion, which takes what the default settings make."""
    cards = load_catalog(None).values()

    assert {card.fusion for card in cards} == set(get_args(FusionName))
    for card in cards:
        assert card.window_s == Settings.model_fields["window_s"].default
        assert card.audio == AUDIO


def test_builtin_series_has_measures_of_any_face() -> None:
    """The hybrid built-in takes all intensities of action units, then the angles of head and gaze."""
    series = load_catalog(None)["videomae-tiny-hybrid-untrained"].series

    assert series is not None
    angles = ("pose_Rx", "pose_Ry", "pose_Rz", "gaze_angle_x", "gaze_angle_y")
    assert series.columns == (*(f"{unit}_r" for unit in INTENSITY_UNITS), *angles)

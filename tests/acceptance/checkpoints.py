"""Checkpoints as an operator would serve them beside the built-in ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shared.catalog import load_catalog, read_card

BUILTIN = {
    "early": "videomae-tiny-untrained",
    "late": "videomae-tiny-late-untrained",
    "hybrid": "videomae-nano",
}


def write_checkpoint(models_dir: Path, name: str, **changes: Any) -> None:
    """Write a model of random weights, the built-in one of early fusion but for some keys of its config."""
    builtin = load_catalog(None)[BUILTIN["early"]].folder
    assert builtin is not None
    config = json.loads((builtin / "config.json").read_text()) | changes
    card = json.loads((builtin / "card.json").read_text()) | {"id": name, "weights_sha256": None}
    folder = models_dir / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "card.json").write_text(json.dumps(card))
    read_card(folder)

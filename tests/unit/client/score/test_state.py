from __future__ import annotations

from pathlib import Path

import pytest

from client.score.items import Item
from client.score.state import Fault, State, check_same, fingerprint, read_state, state_path, write_state
from shared.errors import AvemotionError, ErrorCode

STATE = State(
    server="http://here",
    batch_id="b",
    options={"model": "nano"},
    clips=2,
    fingerprint="f",
    faults={"a.mp4": Fault("empty_upload", "The file is empty.")},
)


def test_a_state_is_found_again(tmp_path: Path) -> None:
    """What was kept is read back; beside another output there is none."""
    path = state_path(tmp_path / "results.csv")
    assert path == tmp_path / "results.csv.state.json"
    assert read_state(path) is None
    write_state(path, STATE)
    assert read_state(path) == STATE
    assert STATE.faults is not None
    assert STATE.faults["a.mp4"].error.code is ErrorCode.EMPTY_UPLOAD


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"format": 2}'])
def test_a_damaged_state_is_a_sentence(tmp_path: Path, content: str) -> None:
    """A state that cannot be read says what to do."""
    path = tmp_path / "results.csv.state.json"
    path.write_text(content)
    with pytest.raises(AvemotionError, match=r"is damaged, or of another version\. Delete .* to begin anew"):
        read_state(path)


def test_the_same_run_goes_on(tmp_path: Path) -> None:
    """The same server, options and clips are the same run."""
    check_same(STATE, tmp_path, server="http://here", options={"model": "nano"}, clips="f")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"server": "http://there"}, "begun with another server, http://here."),
        ({"options": {}}, "begun with other options: model nano."),
        ({"options": {"model": "nano", "window_s": 1.0}}, "begun with other options: model nano."),
        ({"clips": "g"}, "begun with other clips (2), or one of them has changed."),
    ],
)
def test_another_run_is_told(tmp_path: Path, change: dict[str, object], sentence: str) -> None:
    """Another server, other options or other clips do not go on with a run, and what differs is named."""
    same: dict[str, object] = {"server": "http://here", "options": {"model": "nano"}, "clips": "f"}
    with pytest.raises(AvemotionError) as caught:
        check_same(STATE, tmp_path / "x.state.json", **(same | change))  # type: ignore[arg-type] - as told
    assert sentence in caught.value.message
    assert "Delete" in caught.value.message


def test_clips_are_told_apart_by_name_size_and_order(tmp_path: Path) -> None:
    """A clip that came, went, grew or moved makes another run; what stands beside it does not."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"12")
    a, b = (Item(name, tmp_path / name) for name in ("a", "b"))
    before = fingerprint([a, b])
    assert fingerprint([a, Item("b", tmp_path / "b", None, {"speaker": "P1"})]) == before
    assert fingerprint([b, a]) != before
    assert fingerprint([a]) != before
    assert fingerprint([a, Item("b", tmp_path / "b", tmp_path / "a")]) != before
    (tmp_path / "b").write_bytes(b"123")
    assert fingerprint([a, b]) != before
    (tmp_path / "b").unlink()
    assert fingerprint([a, b]) != before

from __future__ import annotations

from pathlib import Path

import pytest

from client.score.items import Item
from client.score.manifest import read_manifest
from shared.errors import AvemotionError, ErrorCode


def manifest(folder: Path, text: str | bytes) -> Path:
    path = folder / "list.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_paths_are_relative_to_the_manifest(tmp_path: Path) -> None:
    """A clip is called what its row says, and lies where that leads from the manifest."""
    path = manifest(tmp_path, "path,speaker,note\na/b.mp4,P1,\n/data/c.wav,P2,loud\n")

    items, columns = read_manifest(path)

    assert columns == ("speaker", "note")
    assert items == [
        Item("a/b.mp4", tmp_path / "a/b.mp4", None, {"speaker": "P1", "note": None}),
        Item("/data/c.wav", Path("/data/c.wav"), None, {"speaker": "P2", "note": "loud"}),
    ]


def test_a_voice_may_be_named_beside_a_face(tmp_path: Path) -> None:
    """The column audio names sound to use in place of the video's; an empty cell names none."""
    items, columns = read_manifest(manifest(tmp_path, "path,audio\na.mp4,a.wav\nb.mp4,\n"))
    assert [item.audio for item in items] == [tmp_path / "a.wav", None]
    assert columns == ("audio",)


def test_what_is_true_is_not_taken_for_an_answer(tmp_path: Path) -> None:
    """Columns that results have too are renamed: what a manifest says of emotions is the truth."""
    items, columns = read_manifest(
        manifest(tmp_path, "path,emotion,valence,arousal,status,p_fear\na.mp4,anger,0.1,0.2,checked,x\n")
    )
    assert columns == ("true_emotion", "true_valence", "true_arousal", "manifest_status", "manifest_p_fear")
    assert list(items[0].beside.values()) == ["anger", "0.1", "0.2", "checked", "x"]


def test_spreadsheets_write_manifests(tmp_path: Path) -> None:
    """A byte-order mark, spaces around names, quotes and empty lines are no matter."""
    items, _ = read_manifest(manifest(tmp_path, b'\xef\xbb\xbfpath , room\r\n"a, b.mp4", x\r\n\r\n'))
    assert items[0].reference == "a, b.mp4"
    assert items[0].beside == {"room": "x"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no column path, so it names no clips; it is empty."),
        ("file\na.mp4\n", "has no column path, so it names no clips; it has file."),
        ("path\n", "names no clip."),
        ("path,a\nx.mp4\n", "Row 2 of"),
        ("path,a\nx.mp4,1\n,2\n", "Row 3 of"),
        ("path\nx.mp4\nx.mp4\n", "names x.mp4 twice."),
        ("path,a,a\nx.mp4,1,2\n", "needs a name of its own."),
        ("path,emotion,true_emotion\nx.mp4,1,2\n", "needs a name of its own."),
        ("path,\nx.mp4,2\n", "needs a name of its own."),
        (b"path\n\xff\xfe.mp4\n", "cannot be read as CSV in UTF-8"),
        ('path\n"x.mp4\n', "cannot be read as CSV in UTF-8"),
    ],
)
def test_a_manifest_that_cannot_be_followed_is_a_sentence(
    tmp_path: Path, text: str | bytes, sentence: str
) -> None:
    """What is wrong with a manifest is told with its place."""
    with pytest.raises(AvemotionError) as caught:
        read_manifest(manifest(tmp_path, text))
    assert caught.value.code is ErrorCode.INVALID_REQUEST
    assert sentence in caught.value.message

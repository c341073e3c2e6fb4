"""``avemotion dataset check``."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from client.main import app
from tests import media_factory
from tests.unit.training.datasets.folders import files, table
from training.datasets.registry import DATASETS

SPEAKERS = ("03", "08", "09", "10")
CLIPS = [f"wav/{speaker}a0{k}{letter}a.wav" for speaker in SPEAKERS for k in (1, 2) for letter in "WLEAFTN"]


def check(*arguments: str | Path) -> Result:
    """Run the command; what is neither an exit nor a sentence is a fault of the program."""
    result = CliRunner().invoke(app, ["dataset", "check", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def lines(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines()]


def test_a_folder_is_told_by_class_speaker_and_fold(tmp_path: Path) -> None:
    """Without a name the data set is guessed, and that is said; a pipe gets plain columns."""
    files(tmp_path, CLIPS)
    files(tmp_path, ["wav/silence.wav"])

    result = check(tmp_path)

    assert result.exit_code == 0
    assert result.stderr == "By its files this is EmoDB; --name says otherwise.\n"
    assert result.stdout.startswith("EmoDB: 56 samples\n")
    found = lines(result)
    assert ["class", "samples", "fold", "1", "fold", "2", "fold", "3", "fold", "4"] in found
    assert ["boredom", "8", "2", "2", "2", "2"] in found
    assert ["speakers", "4", "1", "1", "1", "1"] in found
    assert ["03", "14", "1", *["2"] * 7] in found
    assert "unknown: 1\n  silence.wav is not named as 03a01Fa.wav; it is left out.\n" in result.stdout
    assert "  7 classes have fewer than 10 samples: anger (8)," in result.stdout
    assert "  No official folds: 4 are made, with no speaker in two.\n" in result.stdout
    assert result.stdout.isascii()


def test_a_wide_table_is_cut_off_nowhere_in_a_pipe(tmp_path: Path) -> None:
    """Twenty folds are wider than a usual terminal."""
    clips = [f"{k}.wav" for k in range(40)]
    files(tmp_path, clips)
    rows = [(clip, "fear", f"person {k % 20}") for k, clip in enumerate(clips)]
    table(tmp_path / "manifest.csv", [("path", "emotion", "speaker"), *rows])

    result = check(tmp_path, "--fold-count", "20")

    assert ["fear", "40", *["2"] * 20] in lines(result)
    assert "fold 20" in result.stdout


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    """One sentence, exit code 1, and nothing on stdout."""
    files(tmp_path, ["notes.txt"])

    unknown, named, gone = check(tmp_path), check(tmp_path, "--name", "mafw"), check(tmp_path / "none")

    assert unknown.stderr == (
        f"invalid_dataset: {tmp_path} looks like no data set that is known here; --name says which it is.\n"
    )
    assert "no labels of MAFW" in named.stderr
    assert gone.stderr == f"invalid_dataset: There is no folder {tmp_path / 'none'}.\n"
    for result in (unknown, named, gone):
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)


def half_copied(folder: Path) -> Path:
    files(folder, CLIPS[:28])
    table(folder / "manifest.csv", [("path", "emotion"), *((clip, "fear") for clip in CLIPS)])
    return folder


def test_a_half_copied_folder_is_told_and_then_refused(tmp_path: Path) -> None:
    """What is there is shown, and the last line says why training would not begin."""
    result = check(half_copied(tmp_path))

    assert result.exit_code == 1
    assert "missing: 28\n" in result.stdout
    assert "28 of 56 files (50%) are missing or broken" in result.stderr
    assert check(tmp_path, "--partial").exit_code == 0


def test_json_holds_all_and_is_json(tmp_path: Path) -> None:
    """Every problem is listed, and what would be refused is in it."""
    result = check(half_copied(tmp_path), "--json")

    content = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (content["layout"], content["samples"], len(content["problems"])) == ("manifest", 28, 28)
    assert "28 of 56 files" in content["refused"]


def test_several_data_sets_are_told_one_after_the_other(tmp_path: Path) -> None:
    """As JSON, a line each."""
    files(tmp_path, CLIPS)
    files(tmp_path, (f"train/{emotion}/Training_{k}.jpg" for emotion in ("angry", "sad") for k in range(3)))
    for k, path in enumerate(sorted(tmp_path.rglob("*.jpg"))):
        path.write_text(str(k))

    result = check(tmp_path, "--json")

    assert [json.loads(line)["name"] for line in result.stdout.splitlines()] == ["emodb", "fer2013"]
    assert "this is EmoDB and FER2013" in result.stderr


def test_a_fold_file_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """The first clips without a fold are named."""
    files(tmp_path, CLIPS)
    folds = table(tmp_path / "mine.csv", [("clip", "test_fold"), ("03a01Wa", 1), ("08a01Wa", 2)])

    result = check(tmp_path, "--folds", folds)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "54 of 56 clips have no fold in mine.csv: " in result.stderr
    assert " and 51 more. Give a file that names them" in result.stderr


def test_deep_opens_every_file(tmp_path: Path) -> None:
    """A file that no decoder can read is told by its name."""
    for clip in CLIPS[:8]:
        path = tmp_path / clip
        path.parent.mkdir(exist_ok=True)
        media_factory.audio(path)
    media_factory.text(tmp_path / CLIPS[8])

    result = check(tmp_path, "--deep")

    assert result.exit_code == 0
    assert f"broken: 1\n  {CLIPS[8]} is no kind of media that can be read here.\n" in result.stdout
    assert "  1 file cannot be read" in result.stdout


def test_a_manifest_that_is_named_is_read(tmp_path: Path) -> None:
    """Naming the manifest's file says what the folder is; its name becomes the data set's."""
    files(tmp_path, CLIPS)
    table(tmp_path / "mine.csv", [("path", "emotion"), *((clip, "fear") for clip in CLIPS)])

    result = check(tmp_path, "--manifest", "mine.csv")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("mine: 56 samples\n")


def test_help_names_every_data_set_and_source_of_labels() -> None:
    """Whoever asks for help reads what ``--name`` and ``--labels-from`` take."""
    told = " ".join(
        CliRunner().invoke(app, ["dataset", "check", "--help"], env={"COLUMNS": "300"}).stdout.split()
    )

    for layout in DATASETS.values():
        assert layout.name in told
        assert ", ".join(layout.label_sources) in told


def test_names_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """Control characters in a file's name are shown as escapes."""
    files(tmp_path, [*CLIPS, "wav/\x1b[31mred.wav"])

    result = check(tmp_path)

    assert "\x1b" not in result.stdout
    assert "\\x1b[31mred.wav" in result.stdout
